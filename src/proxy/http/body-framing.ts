import type { Fields } from './fields.ts';
import { httpFault, shown } from './http-fault.ts';

/** How the body of a message is delimited (RFC 9112, 6). */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Until the connection ends; answers only. */
  | { readonly kind: 'until-end' };

export const NO_BODY: BodyFraming = Object.freeze({ kind: 'none' });
const CHUNKED: BodyFraming = Object.freeze({ kind: 'chunked' });
/** Fifteen digits are below 2^53. */
const LENGTH = /^[0-9]{1,15}$/;

/**
 * What the fields say of the body; undefined when they say nothing. Whatever two readers could
 * understand differently is refused: both fields, one of them twice, another coding than chunked,
 * HTTP/1.0 with a coding, a length that is no plain number.
 *
 * @throws {MeshError} ERR_WIRE
 */
export function declaredFraming(fields: Fields, version: string): BodyFraming | undefined {
  const codings = fields.values('transfer-encoding');
  const lengths = fields.values('content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) throw httpFault('both Transfer-Encoding and Content-Length');
    if (version === 'HTTP/1.0') throw httpFault('Transfer-Encoding in HTTP/1.0');
    const [coding = ''] = codings;
    if (codings.length > 1 || coding.toLowerCase() !== 'chunked') {
      throw httpFault(`Transfer-Encoding ${shown(codings.join(', '))}; only chunked is known`);
    }
    return CHUNKED;
  }
  const [length] = lengths;
  if (length === undefined) return undefined;
  if (lengths.length > 1 || !LENGTH.test(length)) {
    throw httpFault(`Content-Length ${shown(lengths.join(', '))}`);
  }
  return length === '0' ? NO_BODY : { kind: 'length', bytes: Number(length) };
}
