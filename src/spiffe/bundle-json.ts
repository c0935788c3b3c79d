import { MeshError } from '../lib/errors.ts';
import { parseUniqueJson } from '../lib/unique-json.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type JwtAuthority, readJwtAuthority, writeJwtAuthority } from './jwt-authority.ts';

const MAX_TEXT = 1024 * 1024;
const KEY_TYPES: ReadonlySet<unknown> = new Set(['EC', 'RSA', 'OKP']);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What the JSON of a bundle holds for this mesh. */
export interface BundleContents {
  /** DER of the `x509-svid` entries. */
  readonly authorities: Uint8Array[];
  /** The `jwt-svid` entries. */
  readonly jwtAuthorities: readonly JwtAuthority[];
  readonly sequence?: number;
  readonly refreshHintMs?: number;
}

/** The wire form of a bundle (SPIFFE_Trust_Domain_and_Bundle 4), its certificates still unread. */
export function parseBundleJson(text: string): BundleContents {
  if (text.length > MAX_TEXT) refuse(`has more than ${MAX_TEXT} characters`);
  const bundle = parseUniqueJson(text, { what: 'the bundle', code: 'ERR_SVID' });
  if (!isObject(bundle)) refuse('is not a JSON object');
  const { keys, spiffe_sequence, spiffe_refresh_hint } = bundle;
  if (!Array.isArray(keys)) refuse('has no array "keys"');
  const sequence = wholeNumber(spiffe_sequence, 'spiffe_sequence');
  const hintSeconds = wholeNumber(spiffe_refresh_hint, 'spiffe_refresh_hint');
  return {
    authorities: keys.flatMap((key) => authorityOf(key) ?? []),
    jwtAuthorities: keys.flatMap((key) => jwtAuthorityOf(key) ?? []),
    ...(sequence === undefined ? {} : { sequence }),
    ...(hintSeconds === undefined ? {} : { refreshHintMs: hintSeconds * 1_000 }),
  };
}

/** Undefined for an entry that is to be ignored: another use, an unknown type, no `x5c`. */
function authorityOf(entry: unknown): Uint8Array | undefined {
  if (!isObject(entry)) return undefined;
  const { kty, use, x5c } = entry;
  if (!KEY_TYPES.has(kty) || use !== 'x509-svid' || !Array.isArray(x5c)) return undefined;
  const certificate: unknown = x5c[0];
  if (certificate === undefined) return undefined;
  if (typeof certificate !== 'string' || !BASE64.test(certificate)) {
    refuse('has an "x5c" that is not base64');
  }
  return Buffer.from(certificate, 'base64');
}

function jwtAuthorityOf(entry: unknown): JwtAuthority | undefined {
  if (!isObject(entry)) return undefined;
  const { kty, use } = entry;
  return KEY_TYPES.has(kty) && use === 'jwt-svid' ? readJwtAuthority(entry) : undefined;
}

function wholeNumber(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    refuse(`has the ${name} ${JSON.stringify(value).slice(0, 40)}, not a whole number below 2^53`);
  }
  return value;
}

/** The JSON of a bundle. */
export function writeBundleJson(bundle: {
  readonly x509Authorities: readonly Certificate[];
  readonly jwtAuthorities: readonly JwtAuthority[];
  readonly sequence: number;
  readonly refreshHintMs: number | undefined;
}): string {
  const { x509Authorities, jwtAuthorities, sequence, refreshHintMs } = bundle;
  const certificates = x509Authorities.map(({ publicKey, der }) => ({
    use: 'x509-svid',
    ...publicKey.export({ format: 'jwk' }),
    x5c: [Buffer.from(der).toString('base64')],
  }));
  return JSON.stringify({
    keys: [...certificates, ...jwtAuthorities.map(writeJwtAuthority)],
    spiffe_sequence: sequence,
    ...(refreshHintMs === undefined
      ? {}
      : { spiffe_refresh_hint: Math.ceil(refreshHintMs / 1_000) }),
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(problem: string): never {
  throw new MeshError('ERR_SVID', `the bundle ${problem}`);
}
