import type { TokenRule } from './token-rules.ts';

/** Where a token stood. */
export type TokenPlace =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };

export interface FoundToken {
  readonly text: string;
  readonly place: TokenPlace;
}

/** What of a request may hold tokens. */
export interface TokenSource {
  /** Each value by a lower-case name. */
  readonly headers: (name: string) => readonly string[];
  /** Behind `?`, without it. */
  readonly query: string | undefined;
}

const TOKEN_CHARACTERS = /[A-Za-z0-9_.-]+/;

/** The tokens at the places that `rule` names (istio-semantics 4.3); a place without one has none. */
export function findTokens(rule: TokenRule, source: TokenSource): readonly FoundToken[] {
  const found: FoundToken[] = [];
  for (const { name, prefix } of rule.headers) {
    for (const value of source.headers(name)) {
      const text = behindPrefix(value, prefix);
      if (text !== undefined) found.push({ text, place: { kind: 'header', name } });
    }
  }
  for (const name of rule.params) {
    const text = parameter(source.query, name);
    if (text !== undefined) found.push({ text, place: { kind: 'param', name } });
  }
  for (const name of rule.cookies) {
    const text = cookie(source.headers('cookie'), name);
    if (text !== undefined) found.push({ text, place: { kind: 'cookie', name } });
  }
  return found;
}

/** The query without the first parameter of that name; undefined when nothing is left. */
export function withoutParameter(query: string, name: string): string | undefined {
  const parts = query.split('&').filter((part) => nameOf(part) !== name);
  return parts.length === 0 ? undefined : parts.join('&');
}

/** The prefix may stand anywhere; the token is what follows it of characters that tokens have. */
function behindPrefix(value: string, prefix: string): string | undefined {
  const at = value.indexOf(prefix);
  if (at < 0) return undefined;
  return TOKEN_CHARACTERS.exec(value.slice(at + prefix.length))?.[0] ?? '';
}

function parameter(query: string | undefined, name: string): string | undefined {
  const part = query?.split('&').find((each) => nameOf(each) === name);
  if (part === undefined) return undefined;
  const equals = part.indexOf('=');
  return equals < 0 ? '' : decoded(part.slice(equals + 1));
}

function nameOf(part: string): string {
  const equals = part.indexOf('=');
  return decoded(equals < 0 ? part : part.slice(0, equals));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function cookie(headers: readonly string[], name: string): string | undefined {
  for (const pair of headers.flatMap((header) => header.split(';'))) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    return /^".*"$/.test(value) ? value.slice(1, -1) : value;
  }
  return undefined;
}
