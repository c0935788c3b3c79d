import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { algorithmsOf } from '../lib/compact-jws.ts';
import { MeshError } from '../lib/errors.ts';

/** A key that signs the JWT-SVIDs of a trust domain, by the ID that tokens name it with. */
export interface JwtAuthority {
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

const LONGEST_KEY_ID = 256;
/** RFC 7518 6.2.2, 6.3.2: what only the owner of a key may have. */
const PRIVATE_PARTS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * The authority of a `jwt-svid` entry of a bundle. Undefined for a kind of key that no JWT-SVID may
 * be signed with: such an entry is passed over.
 *
 * @throws {MeshError} ERR_SVID when the entry has no key ID, a private key, or parameters that are
 *   no key.
 */
export function readJwtAuthority(
  entry: Readonly<Record<string, unknown>>,
): JwtAuthority | undefined {
  const { kty, kid, crv, x, y, n, e } = entry;
  if (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KEY_ID) {
    refuse(`has a JWT key without a "kid" of 1 to ${LONGEST_KEY_ID} characters`);
  }
  if (PRIVATE_PARTS.some((part) => entry[part] !== undefined)) {
    refuse(`has the private key of ${shown(kid)} in it; it is not secret any more, replace it`);
  }
  if (kty !== 'EC' && kty !== 'RSA') return undefined;
  const publicKey = importJwk(kid, { kty, crv, x, y, n, e } as webcrypto.JsonWebKey);
  return publicKey && algorithmsOf(publicKey).length > 0 ? { keyId: kid, publicKey } : undefined;
}

function importJwk(kid: string, key: webcrypto.JsonWebKey): KeyObject | undefined {
  // A curve that is unknown here is another kind of key, not a wrong one.
  if (key.kty === 'EC' && !['P-256', 'P-384', 'P-521'].includes(key.crv ?? '')) return undefined;
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw new MeshError('ERR_SVID', `the bundle has a JWT key ${shown(kid)} that is no key`, {
      cause,
    });
  }
}

/** The entry of a bundle for an authority. */
export function writeJwtAuthority({ keyId, publicKey }: JwtAuthority): object {
  return { use: 'jwt-svid', kid: keyId, ...publicKey.export({ format: 'jwk' }) };
}

function shown(kid: string): string {
  return JSON.stringify(kid).slice(0, 80);
}

function refuse(problem: string): never {
  throw new MeshError('ERR_SVID', `the bundle ${problem}`);
}
