import { quote } from './field-problem.ts';
import type { NameForm } from './kind-definition.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const SERVICE = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LONGEST_LABEL = 63;
const LONGEST_SUBDOMAIN = 253;

const FORMS: Readonly<Record<NameForm, { pattern: RegExp; longest: number; rule: string }>> = {
  subdomain: {
    pattern: SUBDOMAIN,
    longest: LONGEST_SUBDOMAIN,
    rule: 'use lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit',
  },
  label: {
    pattern: LABEL,
    longest: LONGEST_LABEL,
    rule: 'use lower case letters, digits and "-", and begin and end with a letter or digit',
  },
  service: {
    pattern: SERVICE,
    longest: LONGEST_LABEL,
    rule: 'use lower case letters, digits and "-", begin with a letter and end with a letter or digit',
  },
  path: {
    pattern: /^(?!\.{1,2}$)[^/%\p{Cc}]+$/u,
    longest: LONGEST_SUBDOMAIN,
    rule: 'it must not be "." or "..", nor have "/" or "%" in it',
  },
};

/** What is wrong with `name` as a name of that form, as half a sentence; undefined when it is good. */
export function nameProblem(name: string, form: NameForm): string | undefined {
  const { pattern, longest, rule } = FORMS[form];
  if (name === '') return 'must not be empty';
  if (name.length > longest) {
    return `has ${name.length} characters; at most ${longest} are allowed`;
  }
  return pattern.test(name) ? undefined : `${quote(name)} is not a name here; ${rule}`;
}

/** What is wrong with the key of a label or annotation: `name` or `dns.prefix/name`. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0 && nameProblem(key.slice(0, slash), 'subdomain') !== undefined) {
    return 'what is before the "/" of a key must be a DNS name in lower case';
  }
  if (name.length > LONGEST_LABEL) {
    return `the name in a key has at most ${LONGEST_LABEL} characters, this one ${name.length}`;
  }
  if (QUALIFIED.test(name)) return undefined;
  return 'a key is made of letters, digits, "-", "_" and ".", begins and ends with a letter or digit, and may have a DNS name and "/" before it';
}

/** What is wrong with the value of a label. */
export function labelValueProblem(value: string): string | undefined {
  if (value.length > LONGEST_LABEL) {
    return `a label has at most ${LONGEST_LABEL} characters, this one ${value.length}`;
  }
  if (value === '' || QUALIFIED.test(value)) return undefined;
  return `${quote(value)} is not a label; use letters, digits, "-", "_" and ".", and begin and end with a letter or digit`;
}
