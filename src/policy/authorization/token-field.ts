import { listed, printable, quote } from '../quote.ts';
import type { Call, TokenFacts } from './call.ts';
import type { CallMatch, Field } from './field.ts';
import { requestPrincipalMatch } from './request-principal.ts';
import { wildcardTerm } from './term.ts';
import { httpTextField, unusableField } from './text-field.ts';
import { anyWildcardMatch } from './wildcard-match.ts';

const PREFIX = 'request.auth.claims';
const NO_TOKEN = 'a request without a token';
const LISTED = 4;

export const requestPrincipalField: Field = {
  http: 'only',
  matchAny: (values) => {
    const matches = values.map(requestPrincipalMatch);
    return ({ token }) => token !== undefined && matches.some((match) => match(token));
  },
  // both parts of a value that matches are parts of this text too, at the same end
  index: (values) => ({
    dimension: 'request.auth.principal',
    terms: values.map(wildcardTerm),
    texts: ({ token }) => token && `${token.issuer ?? ''}/${token.subject ?? ''}`,
  }),
  describe: ({ token }) =>
    token === undefined ? NO_TOKEN : quote(`${token.issuer ?? ''}/${token.subject ?? ''}`),
};

export const audiencesField: Field = textsField(
  'request.auth.audiences',
  (token) => token.audiences,
  'no audience',
);

export const presenterField: Field = httpTextField(
  'request.auth.presenter',
  ({ token }) => token?.presenter,
  'a request without a token that has "azp"',
);

/** `request.auth.claims[a][b]`; undefined for other keys. */
export function claimField(key: string): Field | undefined {
  if (!key.startsWith(PREFIX)) return undefined;
  const path = claimPath(key);
  if (path === undefined) return unusableField;
  return textsField(
    `${PREFIX}${JSON.stringify(path)}`,
    ({ claims }) => claimTexts(claims, path),
    `no text in ${printable(key)}`,
  );
}

/** The names in `request.auth.claims[a][b]`; odd brackets make one name of all between the outermost. */
function claimPath(key: string): readonly string[] | undefined {
  if (!key.startsWith(`${PREFIX}[`) || !key.endsWith(']')) return undefined;
  const inside = key.slice(PREFIX.length + 1, -1);
  if (inside === '') return undefined;
  const names = inside.split('][');
  return names.some((name) => name === '' || /[[\]]/.test(name)) ? [inside] : names;
}

/** The claim as texts: itself, or those of its elements that are; numbers and booleans are none. */
function claimTexts(
  claims: Readonly<Record<string, unknown>>,
  path: readonly string[],
): readonly string[] {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** A field of the token that has any number of texts, of which one must match. */
function textsField(
  name: string,
  textsOf: (token: TokenFacts) => readonly string[],
  none: string,
): Field {
  return {
    http: 'only',
    matchAny: (values): CallMatch => {
      const matches = anyWildcardMatch(values);
      return ({ token }) => token !== undefined && textsOf(token).some(matches);
    },
    index: (values) => ({
      dimension: name,
      terms: values.map(wildcardTerm),
      texts: ({ token }) => token && textsOf(token),
    }),
    describe: ({ token }: Call) => {
      if (token === undefined) return NO_TOKEN;
      const texts = textsOf(token);
      return texts.length === 0 ? `a token with ${none}` : listed(texts.map(quote), LISTED, ', ');
    },
  };
}
