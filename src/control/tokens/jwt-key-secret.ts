import type { JwtKeyStore } from '../../ca/jwt-key-ring.ts';
import { decodeJwtKeys, encodeJwtKeys } from '../../ca/jwt-keys.ts';
import type { Store } from '../../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from '../secret-data.ts';

const NAME = 'hauberk-token-keys';
const TYPE = 'security.hauberk.dev/token-keys';
const FIELD = 'keys.json';

/** The keys of tokens as a Secret of the root namespace. The store seals Secrets at rest. */
export function jwtKeySecret(store: Store, rootNamespace: string): JwtKeyStore {
  return {
    async load() {
      const key = { kind: 'Secret', namespace: rootNamespace, name: NAME };
      const stored = (await store.get(key)) as Secret | undefined;
      return stored && decodeJwtKeys(decodeSecretData(stored)[FIELD] ?? '');
    },
    async save(keys) {
      const name = { namespace: rootNamespace, name: NAME, type: TYPE };
      const resource = secretResource(name, { [FIELD]: encodeJwtKeys(keys) });
      await store.commit([{ op: 'put', resource }]);
    },
  };
}
