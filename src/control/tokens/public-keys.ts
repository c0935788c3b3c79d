import { MeshError } from '../../lib/errors.ts';
import { parseUniqueJson } from '../../lib/unique-json.ts';

const MOST_KEYS = 100;
const PUBLIC_KINDS: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);
/** All that a verifier needs; private parts are never kept. */
const KEPT = ['kty', 'use', 'kid', 'alg', 'crv', 'x', 'y', 'n', 'e'];

/**
 * A JWKS with the public parts of its public keys only, always in the same words: what somebody
 * publishes by mistake is not spread by us.
 *
 * @throws {MeshError} ERR_JWT when it is no JWKS, has more than 100 keys, or none that can be used.
 */
export function publicKeysOf(text: string): string {
  const set = parseUniqueJson(text, { what: 'the JWKS', code: 'ERR_JWT' });
  const keys = isObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys)) throw new MeshError('ERR_JWT', 'the JWKS has no array "keys"');
  if (keys.length > MOST_KEYS) {
    throw new MeshError('ERR_JWT', `the JWKS has ${keys.length} keys; at most ${MOST_KEYS}`);
  }
  const usable = keys
    .filter((key: unknown) => isObject(key))
    .filter(({ kty }) => PUBLIC_KINDS.has(kty))
    .map((key) =>
      Object.fromEntries(
        KEPT.flatMap((name) => (typeof key[name] === 'string' ? [[name, key[name]]] : [])),
      ),
    );
  if (usable.length === 0) throw new MeshError('ERR_JWT', 'the JWKS has no public key');
  return JSON.stringify({ keys: usable });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
