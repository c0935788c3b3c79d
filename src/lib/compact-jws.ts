import type { KeyObject } from 'node:crypto';
import { CompactSign, compactVerify, errors } from 'jose';
import { MeshError } from './errors.ts';
import { parseUniqueJson } from './unique-json.ts';

/** The algorithms that SPIFFE and Kubernetes allow: never a shared secret, never none. */
const JWS_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
] as const;

/** A signed token in compact form (RFC 7515 7.1) whose signature nobody has checked yet. */
export interface CompactJws {
  readonly text: string;
  /** One of `JWS_ALGORITHMS`. */
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Longest token that is read, in characters. */
const LONGEST_TOKEN = 16 * 1024;
const LONGEST_KEY_ID = 256;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const SUBJECT = { what: 'the token', code: 'ERR_JWT' } as const;
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'JWT', 'JOSE']);

/**
 * Reads a token in compact form, header and claims each a JSON object without repeated keys.
 *
 * @throws {MeshError} ERR_JWT; the token itself is a secret and is not quoted.
 */
export function parseCompactJws(text: string): CompactJws {
  if (text.length > LONGEST_TOKEN) refuse(`has more than ${LONGEST_TOKEN} characters`);
  const [, head, body, signature] = COMPACT.exec(text) ?? [];
  if (head === undefined || body === undefined || signature === undefined) {
    refuse('is not a signed token in compact form: three parts of base64url, joined by dots');
  }
  bytesOf(signature, 'signature');
  const header = objectIn(head, 'header');
  const { alg, kid, typ, crit, b64 } = header;
  if (typeof alg !== 'string' || !(JWS_ALGORITHMS as readonly string[]).includes(alg)) {
    refuse(`has the algorithm ${shown(alg)}; allowed are ${JWS_ALGORITHMS.join(', ')}`);
  }
  if (!TYPES.has(typ)) refuse(`has the type ${shown(typ)}; allowed are JWT and JOSE`);
  if (crit !== undefined || b64 !== undefined)
    refuse('asks for extensions that are not known here');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KEY_ID)) {
    refuse(`has a key ID that is no text of 1 to ${LONGEST_KEY_ID} characters`);
  }
  return { text, algorithm: alg, keyId: kid, header, claims: objectIn(body, 'claims') };
}

/** Whether `key` signed the token, by an algorithm that is meant for such keys. */
export async function isJwsSignedBy(jws: CompactJws, key: KeyObject): Promise<boolean> {
  if (!algorithmsOf(key).includes(jws.algorithm)) return false;
  try {
    await compactVerify(jws.text, key, { algorithms: [jws.algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

export interface JwsContents {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly keyId: string;
  /** Of a kind that `algorithmsOf` knows. */
  readonly privateKey: KeyObject;
}

/** A token in compact form with the header `alg`, `kid` and `typ: JWT`. */
export async function signJws({ claims, keyId, privateKey }: JwsContents): Promise<string> {
  const [alg] = algorithmsOf(privateKey);
  if (alg === undefined) throw new MeshError('ERR_KEY', 'this kind of key cannot sign tokens');
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg, kid: keyId, typ: 'JWT' })
    .sign(privateKey);
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;

/** The algorithms that a key may be used with, the preferred first; none for other kinds of keys. */
export function algorithmsOf(key: KeyObject): readonly string[] {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return [CURVES[namedCurve] ?? []].flat();
  const isRsa = key.asymmetricKeyType === 'rsa';
  return isRsa && modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS
    ? RSA_ALGORITHMS
    : [];
}

function objectIn(part: string, name: string): Readonly<Record<string, unknown>> {
  const bytes = bytesOf(part, name);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new MeshError('ERR_JWT', `the token has a ${name} that is not UTF-8`, { cause });
  }
  const value = parseUniqueJson(text, { ...SUBJECT, what: `the ${name} of the token` });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(`has a ${name} that is not a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** One token has one spelling: Node's decoder passes over bits that are left at the end. */
function bytesOf(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) refuse(`has a ${name} that is not base64url`);
  return bytes;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'none').slice(0, 80);
}

function refuse(problem: string): never {
  throw new MeshError('ERR_JWT', `the token ${problem}`);
}
