import { type AuthorityStore, authorityCodec } from '../ca/authority-store.ts';
import { decodeSlots, encodeSlots } from '../ca/rotation-record.ts';
import type { Store } from '../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from './secret-data.ts';

/** Istio keeps its self-signed authority under this name; tools look for it here. */
const NAME = 'istio-ca-secret';
const TYPE = 'istio.io/ca-root';

/** The key slots as a Secret of the root namespace. The store seals Secrets at rest. */
export function authoritySecret(store: Store, rootNamespace: string): AuthorityStore {
  const key = { kind: 'Secret', namespace: rootNamespace, name: NAME };
  return {
    async load() {
      const stored = (await store.get(key)) as Secret | undefined;
      if (stored === undefined) return undefined;
      return decodeSlots(decodeSecretData(stored), authorityCodec);
    },
    async save(slots) {
      const files = encodeSlots(slots, authorityCodec);
      const resource = secretResource({ namespace: rootNamespace, name: NAME, type: TYPE }, files);
      await store.commit([{ op: 'put', resource }]);
    },
  };
}
