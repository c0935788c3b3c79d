import { quote } from '../quote.ts';
import type { Call, HttpFacts } from './call.ts';
import type { Field } from './field.ts';
import { isPathTemplate, pathTemplateMatch } from './path-template-match.ts';
import { type Term, wildcardTerm } from './term.ts';
import { httpTextField, unusableField } from './text-field.ts';
import { anyWildcardMatch } from './wildcard-match.ts';

const PREFIX = 'request.headers';
const NO_REQUEST = 'a connection without HTTP';

export const methodField: Field = httpTextField('methods', ({ http }) => http?.method, NO_REQUEST);

/** Without case, the port is part of it. */
export const hostField: Field = httpTextField(
  'hosts',
  ({ http }) => http?.host,
  NO_REQUEST,
  (host) => host.toLowerCase(),
);

export const pathField: Field = {
  http: 'only',
  matchAny: (values) => {
    const templates = values.filter(isPathTemplate).map(pathTemplateMatch);
    const plain = anyWildcardMatch(values.filter((value) => !isPathTemplate(value)));
    return ({ http }) =>
      http !== undefined && (plain(http.path) || templates.some((matches) => matches(http.path)));
  },
  index: (values) => ({
    dimension: 'paths',
    terms: values.map(pathTerm),
    texts: ({ http }) => http?.path,
  }),
  describe: ({ http }) => (http === undefined ? NO_REQUEST : quote(http.path)),
};

/**
 * `request.headers[NAME]`: the name without case, the value with it. `*` means that the header is
 * there, empty or not. Undefined for other keys; where the name is missing no value can be used.
 */
export function headerField(key: string): Field | undefined {
  if (!key.startsWith(PREFIX)) return undefined;
  const name = bracketed(key)?.toLowerCase();
  if (name === undefined) return unusableField;
  const textOf = ({ http }: Call): string | undefined =>
    http === undefined ? undefined : headerValue(http, name);
  return {
    http: 'only',
    matchAny: (values) => {
      const anything = values.includes('*');
      const matches = anyWildcardMatch(values);
      return (call) => {
        const value = textOf(call);
        return value !== undefined && (anything || matches(value));
      };
    },
    index: (values) => ({
      dimension: `${PREFIX}[${name}]`,
      terms: values.map(wildcardTerm),
      texts: textOf,
    }),
    describe: (call) => {
      const value = textOf(call);
      return value === undefined ? `a request without ${quote(name)}` : quote(value);
    },
  };
}

/** A template is found by what stands before its first operator. */
function pathTerm(value: string): Term {
  return isPathTemplate(value)
    ? { form: 'prefix', text: value.slice(0, value.indexOf('{')) }
    : wildcardTerm(value);
}

/** What stands in the brackets; undefined where nothing does. */
function bracketed(key: string): string | undefined {
  if (!key.startsWith(`${PREFIX}[`) || !key.endsWith(']')) return undefined;
  const name = key.slice(PREFIX.length + 1, -1);
  return name === '' ? undefined : name;
}

/** Envoy keeps Host under `:authority`. */
function headerValue(http: HttpFacts, name: string): string | undefined {
  switch (name) {
    case ':method':
      return http.method;
    case ':authority':
    case 'host':
      return http.host;
    case ':path':
      return http.query === undefined ? http.path : `${http.path}?${http.query}`;
    case ':scheme':
      return http.scheme;
    default:
      return http.header(name);
  }
}
