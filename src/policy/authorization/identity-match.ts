import { namespacesIn } from './identity-parts.ts';
import type { Term } from './term.ts';
import { globMatch, type TextMatch } from './wildcard-match.ts';

/**
 * Matches identities (`td/ns/x/sa/y`, no `spiffe://`) whose path has `/ns/<value>/`. Every `*` in the
 * value stands for any text, slashes too (istio-semantics 3.5).
 */
export function namespaceMatch(value: string): TextMatch {
  const inside = globMatch(`*/ns/${value}/*`);
  // the scheme's own slashes count for Istio: a trust domain named `ns` reads as the path
  const atStart = globMatch(`ns/${value}/*`);
  return (identity) => inside(identity) || atStart(identity);
}

/** Matches identities that any of `values` does; names without wildcards are looked up together. */
export function namespacesMatch(values: readonly string[]): TextMatch {
  const isName = (value: string) => /^[^*/]+$/.test(value);
  const names = new Set(values.filter(isName));
  const others = values.filter((value) => !isName(value)).map(namespaceMatch);
  const [only] = others;
  if (only !== undefined && values.length === 1) return only;
  return (identity) => {
    const namespaces = namespacesIn(identity);
    const named =
      typeof namespaces === 'string'
        ? names.has(namespaces)
        : namespaces.some((namespace) => names.has(namespace));
    return named || others.some((matches) => matches(identity));
  };
}

/** How namespaces of identities are compared with a value; undefined where they cannot be. */
export function namespaceTerm(value: string): Term | undefined {
  const star = value.indexOf('*');
  const literal = star === -1 ? value : value.slice(0, star);
  if (literal === '' || literal.includes('/')) return undefined;
  return { form: star === -1 ? 'exact' : 'prefix', text: literal };
}

/**
 * Matches identities of a service account, `ns/sa` or `sa` in `policyNamespace`, with other path
 * segments around allowed: the regex `.+/ns/NS/(.+/|)sa/SA(/.+)?`, without its backtracking.
 */
export function serviceAccountMatch(value: string, policyNamespace: string): TextMatch {
  const slash = value.indexOf('/');
  const namespace = slash === -1 ? policyNamespace : value.slice(0, slash);
  const account = `sa/${value.slice(slash + 1)}`;
  const space = `/ns/${namespace}/`;
  const usual = `${space}${account}`;
  return (identity) => {
    if (identity.endsWith(usual) && identity.length > usual.length) return true;
    const found = identity.indexOf(space, 1);
    // leftmost is enough: a later one would only leave more of the path to the optional middle
    return found !== -1 && hasSegments(identity, account, found + space.length);
  };
}

/** Whether `segments` stands in `text` at `from`, or later behind `x/`, and ends there or at `/x`. */
function hasSegments(text: string, segments: string, from: number): boolean {
  for (let at = text.indexOf(segments, from); at !== -1; at = text.indexOf(segments, at + 1)) {
    const startsWell = at === from || (at >= from + 2 && text[at - 1] === '/');
    const end = at + segments.length;
    const endsWell = end === text.length || (text[end] === '/' && end + 1 < text.length);
    if (startsWell && endsWell) return true;
  }
  return false;
}

/** Matches identities of a trust domain; `*` alone is any, within a name it stays in that name. */
export function trustDomainMatch(value: string): TextMatch {
  if (value === '*') return () => true;
  const start = `${value}/`;
  if (!value.includes('*')) return (identity) => identity.startsWith(start);
  const named = globMatch(value);
  return (identity) => {
    const slash = identity.indexOf('/');
    return slash !== -1 && named(identity.slice(0, slash));
  };
}
