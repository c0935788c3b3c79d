import type { PathNormalization } from '../mesh-settings.ts';

/** The target of a request as it is judged and forwarded, or why it is refused. */
export type NormalizedTarget =
  | {
      readonly path: string;
      /** Behind `?`, without it; undefined where there is none. */
      readonly query: string | undefined;
    }
  | { readonly problem: string };

const NEEDS_WORK = /[%\\]|\/\.|\/\//;
const NUL = /%00/;
/** One that is decoded to a half of another would be a second decoding in disguise. */
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i;
/** Bytes that no UTF-8 has: a decoder that takes them makes other characters of them. */
const OVERLONG = /%c[01]%[89ab][0-9a-f]|%e0%[89][0-9a-f]|%f0%8[0-9a-f]/i;
const UNRESERVED = /%(?:2d|2e|5f|7e|3[0-9]|[46][1-9a-f]|[57][0-9a])/gi;
const ESCAPED_SLASH = /%(?:2f|5c)/gi;

/**
 * Puts the target of a request (in origin form) into the form in which it is judged, and forwarded:
 * whoever reads it after us must not find another path in it. A fragment is dropped. Decoding is done
 * once: `%252e` stays what it is.
 */
export function normalizeTarget(target: string, how: PathNormalization): NormalizedTarget {
  const hash = target.indexOf('#');
  const whole = hash < 0 ? target : target.slice(0, hash);
  const mark = whole.indexOf('?');
  const path = mark < 0 ? whole : whole.slice(0, mark);
  const query = mark < 0 ? undefined : whole.slice(mark + 1);
  if (!path.startsWith('/')) return { problem: 'a path that does not begin with a slash' };
  if (!NEEDS_WORK.test(path)) return { path, query };
  if (NUL.test(path)) return { problem: 'a NUL in the path' };
  if (how === 'NONE') return { path, query };
  if (BAD_ESCAPE.test(path)) return { problem: 'a percent sign that escapes nothing' };
  if (OVERLONG.test(path)) return { problem: 'overlong UTF-8 in the path' };
  return { path: normalized(path, how === 'DEFAULT' ? 'BASE' : how), query };
}

function normalized(path: string, how: Exclude<PathNormalization, 'NONE' | 'DEFAULT'>): string {
  const decoding = how === 'DECODE_AND_MERGE_SLASHES';
  const unescaped = decoding ? path.replace(ESCAPED_SLASH, '/') : path;
  const decoded = unescaped.replace(UNRESERVED, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
  const resolved = withoutDots(decoded.replaceAll('\\', '/'));
  return how === 'BASE' ? resolved : resolved.replace(/\/{2,}/g, '/');
}

/** Resolves `.` and `..` (RFC 3986, 5.2.4); nothing leads above the root. */
function withoutDots(path: string): string {
  const segments = path.slice(1).split('/');
  const kept: string[] = [];
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (last && (segment === '..' || segment === '.')) kept.push('');
  });
  return `/${kept.join('/')}`;
}
