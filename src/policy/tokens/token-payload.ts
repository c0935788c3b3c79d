import type { TokenFacts } from '../authorization/call.ts';
import type { TokenRule } from './token-rules.ts';

type Claims = Readonly<Record<string, unknown>>;

/** What policies may ask of a good token; claims that are lists in one text are taken apart. */
export function tokenFacts(
  claims: Claims,
  { spaceDelimited }: Pick<TokenRule, 'spaceDelimited'>,
): TokenFacts {
  const { iss, sub, azp } = claims;
  const split = Object.entries(claims).map(([name, value]) =>
    typeof value === 'string' && spaceDelimited.has(name)
      ? ([name, value.split(' ').filter((part) => part !== '')] as const)
      : ([name, value] as const),
  );
  return {
    issuer: textOf(iss),
    subject: textOf(sub),
    audiences: audiencesOf(claims),
    presenter: textOf(azp),
    claims: Object.fromEntries(split),
  };
}

/** `aud`, which is a text or a list of texts; empty where it is neither. */
export function audiencesOf({ aud }: Claims): readonly string[] {
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return list.filter((each) => typeof each === 'string');
}

/**
 * The headers that a rule makes of a good token: the payload as it was signed, and claims that are
 * text, whole numbers or booleans.
 */
export function tokenHeaders(
  { payloadHeader, claimHeaders }: TokenRule,
  { claims, payload }: { readonly claims: Claims; readonly payload: string },
): readonly (readonly [name: string, value: string])[] {
  const headers: [string, string][] = [];
  if (payloadHeader !== undefined) headers.push([payloadHeader, payload]);
  for (const { header, path } of claimHeaders) {
    const value = claimText(claimAt(claims, path));
    if (value !== undefined) headers.push([header, value]);
  }
  return headers;
}

/** A claim whose name has dots in it is found before those that are nested. */
function claimAt(claims: Claims, path: readonly string[]): unknown {
  const whole = path.join('.');
  if (Object.hasOwn(claims, whole)) return claims[whole];
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/** What a header can hold; the rest is left out rather than changed. */
const HEADER_TEXT = /^[\x20-\x7e]{0,4096}$/;

function claimText(value: unknown): string | undefined {
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && HEADER_TEXT.test(value) ? value.trim() : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
