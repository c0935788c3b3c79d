import { type TOptional, type TString, Type } from 'typebox';
import { quote } from '../field-problem.ts';
import { text } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';

const DURATION = /^(?:0|(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?)$/;
const SIZE = /^(?:0|(?:\d*\.)?\d+(?:[KMGTPE]i?)?B)$/;

/** A duration as Prometheus writes it: `30s`, `5m`, `1d`. */
export function prometheusDuration(description: string): TOptional<TString> {
  return text(description, {
    'x-hauberk-check': (value: string) =>
      value === '' || DURATION.test(value)
        ? undefined
        : `${quote(value)} is not a duration of Prometheus; write for example "30s" or "5m"`,
  });
}

/** A size in bytes as Prometheus writes it: `64MB`. */
export function prometheusSize(description: string): TOptional<TString> {
  return text(description, {
    'x-hauberk-check': (value: string) =>
      SIZE.test(value) ? undefined : `${quote(value)} is not a size; write for example "64MB"`,
  });
}

/** A URL of one of these schemes. */
export function urlOf(schemes: readonly string[], description: string): TOptional<TString> {
  return text(description, {
    'x-hauberk-check': (value: string) =>
      schemes.some((scheme) => value.startsWith(`${scheme}://`) && value.length > scheme.length + 3)
        ? undefined
        : `${quote(value)} must be a URL beginning with ${schemes.join(':// or ')}://`,
  });
}

const selection = lazy(() => ({
  key: Type.String({ description: 'The key.' }),
  name: text('Its name.', { default: '' }),
  optional: Type.Optional(Type.Boolean({ description: 'Whether it may be missing.' })),
}));

/** One key of a Secret. */
export const secretKey = lazy(() =>
  closed(selection(), 'One key of a Secret of the same namespace.'),
);

/** One key of a Secret or of a ConfigMap. */
export const secretOrConfigMap = lazy(() =>
  closed(
    {
      secret: Type.Optional(secretKey()),
      configMap: Type.Optional(
        closed(selection(), 'One key of a ConfigMap of the same namespace.'),
      ),
    },
    'A value in a Secret or a ConfigMap.',
  ),
);
