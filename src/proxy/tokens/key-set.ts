import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { algorithmsOf } from '../../lib/compact-jws.ts';
import { MeshError } from '../../lib/errors.ts';
import { parseUniqueJson } from '../../lib/unique-json.ts';

/** A key by which tokens of an issuer are checked. */
export interface TokenKey {
  /** Undefined: it may be meant for tokens of any key ID. */
  readonly keyId: string | undefined;
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

const MOST_KEYS = 100;

/**
 * The keys of a JWKS (RFC 7517, 5). Those that cannot be used for signatures are passed over, private
 * parts are never looked at, and shared secrets are no keys.
 *
 * @throws {MeshError} ERR_JWT when it is no JWKS, or has more than 100 keys.
 */
export function parseKeySet(text: string): readonly TokenKey[] {
  const set = parseUniqueJson(text, { what: 'the JWKS', code: 'ERR_JWT' });
  const keys = isObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys)) throw new MeshError('ERR_JWT', 'the JWKS has no array "keys"');
  if (keys.length > MOST_KEYS) {
    throw new MeshError('ERR_JWT', `the JWKS has ${keys.length} keys; at most ${MOST_KEYS}`);
  }
  return keys.flatMap((key: unknown) => tokenKey(key) ?? []);
}

function tokenKey(entry: unknown): TokenKey | undefined {
  if (!isObject(entry)) return undefined;
  const { kty, use, kid, alg, crv, x, y, n, e } = entry;
  if (use !== undefined && use !== 'sig') return undefined;
  try {
    const jwk = { kty, crv, x, y, n, e } as webcrypto.JsonWebKey;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const able = key.asymmetricKeyType === 'ed25519' ? ['EdDSA'] : algorithmsOf(key);
    const algorithms = alg === undefined ? able : able.filter((each) => each === alg);
    if (algorithms.length === 0) return undefined;
    return { keyId: typeof kid === 'string' && kid !== '' ? kid : undefined, algorithms, key };
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
