import { MeshError } from '../../lib/errors.ts';
import { parseUniqueJson } from '../../lib/unique-json.ts';

/** A token that nobody has checked yet. */
export interface JsonWebToken {
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** The middle part, in base64url. */
  readonly payload: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Those with public keys: a shared secret in a JWKS would be one that everybody knows. */
const ALGORITHMS: ReadonlySet<unknown> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
]);
const LONGEST_TOKEN = 16 * 1024;
const LONGEST_KEY_ID = 256;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** What is wrong with a token, in Envoy's words where Envoy has any. The token is a secret and not quoted. */
export function tokenProblem(reason: string): MeshError {
  return new MeshError('ERR_JWT', reason);
}

/** Reads a token of a request. @throws {MeshError} ERR_JWT */
export function parseToken(text: string): JsonWebToken {
  const [, head, payload, signature] = COMPACT.exec(text) ?? [];
  if (head === undefined || payload === undefined || signature === undefined) {
    throw tokenProblem(
      'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
    );
  }
  if (text.length > LONGEST_TOKEN) throw tokenProblem('Jwt is too long');
  bytesOf(signature, 'Jwt signature is an invalid Base64url encoded');
  const header = objectIn(head, 'Jwt header');
  const { alg, kid, crit, b64 } = header;
  if (!ALGORITHMS.has(alg)) throw tokenProblem('Jwt header [alg] is not supported');
  if (crit !== undefined || b64 !== undefined) {
    throw tokenProblem('Jwt header asks for extensions that are not known');
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KEY_ID)) {
    throw tokenProblem('Jwt header [kid] field is not a string');
  }
  const keyId = kid === '' ? undefined : kid;
  return { text, algorithm: String(alg), keyId, payload, claims: objectIn(payload, 'Jwt payload') };
}

function objectIn(part: string, what: string): Readonly<Record<string, unknown>> {
  const bytes = bytesOf(part, `${what} is an invalid Base64url encoded`);
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = parseUniqueJson(text, { what, code: 'ERR_JWT' });
  } catch {
    throw tokenProblem(`${what} is an invalid JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw tokenProblem(`${what} is an invalid JSON`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** One token has one spelling: Node's decoder passes over bits that are left at the end. */
function bytesOf(part: string, problem: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw tokenProblem(problem);
  return bytes;
}
