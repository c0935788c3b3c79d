import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { algorithmsOf } from '../lib/compact-jws.ts';
import { MeshError } from '../lib/errors.ts';
import { parseUniqueJson } from '../lib/unique-json.ts';

/** A key that signs tokens of somebody else. */
export interface ForeignKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

const MOST_KEYS = 100;

/**
 * The keys of a JWKS (RFC 7517 5) that tokens may be signed with. Others, those without an ID and those
 * that cannot be read are passed over, as the RFC says; private parts are never looked at.
 *
 * @throws {MeshError} ERR_JWT when it is no JWKS or has more than 100 keys.
 */
export function parseJsonWebKeys(text: string): readonly ForeignKey[] {
  const set = parseUniqueJson(text, { what: 'the JWKS', code: 'ERR_JWT' });
  const keys = isObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys)) throw new MeshError('ERR_JWT', 'the JWKS has no array "keys"');
  if (keys.length > MOST_KEYS) {
    throw new MeshError('ERR_JWT', `the JWKS has ${keys.length} keys; at most ${MOST_KEYS}`);
  }
  return keys.flatMap((key: unknown) => foreignKey(key) ?? []);
}

function foreignKey(entry: unknown): ForeignKey | undefined {
  if (!isObject(entry)) return undefined;
  const { kty, use, kid, crv, x, y, n, e } = entry;
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig'))
    return undefined;
  try {
    const key = { kty, crv, x, y, n, e } as webcrypto.JsonWebKey;
    const publicKey = createPublicKey({ key, format: 'jwk' });
    return algorithmsOf(publicKey).length > 0 ? { keyId: kid, publicKey } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
