import type { TokenFacts } from './call.ts';
import { anyWildcardMatch, type TextMatch } from './wildcard-match.ts';

type TokenMatch = (token: Pick<TokenFacts, 'issuer' | 'subject'>) => boolean;

const anything: TextMatch = () => true;
const present: TextMatch = (text) => text !== '';

/**
 * Matches tokens by `<issuer>/<subject>` (istio-semantics 3.6): the value is taken apart at its last
 * slash and both claims are matched by themselves. `*` wants both.
 */
export function requestPrincipalMatch(value: string): TokenMatch {
  const { issuer, subject } = parts(value);
  return (token) => issuer(token.issuer ?? '') && subject(token.subject ?? '');
}

function parts(value: string): { readonly issuer: TextMatch; readonly subject: TextMatch } {
  if (value === '*') return { issuer: present, subject: present };
  const slash = value.lastIndexOf('/');
  const before = slash === -1 ? undefined : value.slice(0, slash);
  const after = value.slice(slash + 1);
  if (value.startsWith('*')) {
    if (before === undefined) return { issuer: anything, subject: anyWildcardMatch([value]) };
    return {
      issuer: before === '*' ? anything : (text) => text.endsWith(before.slice(1)),
      subject: (text) => text === after,
    };
  }
  if (value.endsWith('*')) {
    if (before === undefined) {
      return { issuer: (text) => text.startsWith(value.slice(0, -1)), subject: anything };
    }
    return { issuer: (text) => text === before, subject: anyWildcardMatch([after]) };
  }
  return before === undefined
    ? { issuer: (text) => text === value, subject: (text) => text === '' }
    : { issuer: (text) => text === before, subject: (text) => text === after };
}
