import type { Authorities, AuthorityStore } from '../../src/ca/authority-store.ts';

/** Keeps the authorities as long as the test lasts. */
export function memoryAuthorityStore(): AuthorityStore & { saved: Authorities | undefined } {
  return {
    saved: undefined,
    async load() {
      return this.saved;
    },
    async save(authorities) {
      this.saved = authorities;
    },
  };
}
