import type { Authorities, AuthorityStore } from '../../src/ca/authority-store.ts';
import type { KeySlots } from '../../src/ca/rotation.ts';

/** Keeps the key slots as long as the test lasts. */
export function memoryAuthorityStore(): AuthorityStore & {
  saved: KeySlots<Authorities> | undefined;
} {
  return {
    saved: undefined,
    async load() {
      return this.saved;
    },
    async save(slots) {
      this.saved = slots;
    },
  };
}
