import { quote } from '../quote.ts';
import type { Call } from './call.ts';
import type { Field } from './field.ts';
import { wildcardTerm } from './term.ts';
import { anyWildcardMatch } from './wildcard-match.ts';

/**
 * A field that is one text of the request, matched with wildcards; what is missing never matches.
 * `name` tells it from others.
 */
export function httpTextField(
  name: string,
  textOf: (call: Call) => string | undefined,
  missing: string,
  fold: (text: string) => string = (text) => text,
): Field {
  return {
    http: 'only',
    matchAny: (values) => {
      const matches = anyWildcardMatch(values.map(fold));
      return (call) => {
        const value = textOf(call);
        return value !== undefined && matches(fold(value));
      };
    },
    index: (values) => ({
      dimension: name,
      terms: values.map((value) => wildcardTerm(fold(value))),
      texts: (call) => {
        const value = textOf(call);
        return value === undefined ? undefined : fold(value);
      },
    }),
    describe: (call) => {
      const value = textOf(call);
      return value === undefined ? missing : quote(value);
    },
  };
}

/** What a key without a name asks about: no value of it can be used. */
export const unusableField: Field = {
  http: 'only',
  matchAny: () => () => false,
  isValid: () => false,
  describe: () => 'a request',
};
