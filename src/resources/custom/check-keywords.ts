import { quote } from '../field-problem.ts';
import { isPlainObject } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { suggestion } from '../nearest.ts';

type Written = Readonly<Record<string, unknown>>;

interface Form {
  readonly holds: (value: unknown) => boolean;
  readonly message: string;
}

const FORBIDDEN = [
  '$ref',
  'definitions',
  'dependencies',
  'patternProperties',
  'id',
  'additionalItems',
];

const oneOf = (...words: readonly unknown[]) => ({
  holds: (value: unknown) => words.includes(value),
  message: `must be one of ${words.join(', ')}`,
});
const textual = { holds: (value: unknown) => typeof value === 'string', message: 'must be a text' };
const flag = {
  holds: (value: unknown) => typeof value === 'boolean',
  message: 'must be true or false',
};

/** What the value of a keyword must be, where nothing else looks at it. */
const FORMS: ReadonlyMap<string, Form> = new Map(
  Object.entries({
    ...{ description: textual, title: textual, pattern: textual, format: textual },
    ...{ nullable: flag, exclusiveMinimum: flag, exclusiveMaximum: flag, uniqueItems: flag },
    'x-kubernetes-int-or-string': flag,
    'x-kubernetes-embedded-resource': flag,
    'x-kubernetes-preserve-unknown-fields': flag,
    'x-kubernetes-list-type': oneOf('atomic', 'set', 'map'),
    'x-kubernetes-map-type': oneOf('granular', 'atomic'),
    'x-kubernetes-validations': { holds: Array.isArray, message: 'must be a list of rules' },
    enum: {
      holds: (value) => Array.isArray(value) && value.length > 0,
      message: 'must be a list of values',
    },
  }),
);

/** The other keywords that Kubernetes knows. */
const KNOWN = [
  ...['description', 'title', 'enum', 'example', 'x-kubernetes-list-type'],
  ...['x-kubernetes-list-map-keys', 'x-kubernetes-map-type', 'x-kubernetes-validations'],
  ...['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'],
  ...['type', 'format', 'default', 'nullable', 'pattern', 'required', 'properties', 'items'],
  ...['additionalProperties', 'allOf', 'anyOf', 'oneOf', 'not', 'externalDocs', 'uniqueItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength'],
  ...['maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', '$schema'],
  'x-kubernetes-int-or-string',
];

/** Reports what is not allowed, what Kubernetes does not know, and what does not go together. */
export function checkKeywords(written: Written, field: string, report: Report): void {
  for (const [keyword, value] of Object.entries(written)) {
    const at = `${field}.${keyword}`;
    if (FORBIDDEN.includes(keyword)) report(at, 'is not allowed here');
    else if (!KNOWN.includes(keyword))
      report(at, `is no keyword of a schema${suggestion(keyword, KNOWN)}`);
    const form = FORMS.get(keyword);
    if (form !== undefined && !form.holds(value)) report(at, form.message);
  }
  const intOrString = written['x-kubernetes-int-or-string'] === true;
  if (intOrString && written['type'] !== undefined) {
    report(`${field}.type`, 'must be left out with x-kubernetes-int-or-string');
  }
  if (written['x-kubernetes-embedded-resource'] === true && written['type'] !== 'object') {
    report(`${field}.type`, 'must be object with x-kubernetes-embedded-resource');
  }
  checkEnum(written, field, report);
  checkKeys(written, field, report);
}

/** A word that no value of the type can be is a slip. */
function checkEnum({ enum: words, type, nullable }: Written, field: string, report: Report): void {
  if (!Array.isArray(words) || typeof type !== 'string') return;
  for (const [index, word] of words.entries()) {
    if (word === null ? nullable === true : isOfType(word, type)) continue;
    report(`${field}.enum[${index}]`, `must be of the type ${type}`);
  }
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isPlainObject(value);
  if (type === 'string') return typeof value === 'string';
  return typeof value === (type === 'boolean' ? 'boolean' : 'number');
}

/** Keys by which items are told apart are fields of the items, and always there. */
function checkKeys(written: Written, field: string, report: Report): void {
  const keys = written['x-kubernetes-list-map-keys'];
  const { items } = written;
  const at = `${field}.x-kubernetes-list-map-keys`;
  if (keys === undefined) return;
  if (written['x-kubernetes-list-type'] !== 'map') report(at, 'needs x-kubernetes-list-type map');
  if (!Array.isArray(keys) || !isPlainObject(items)) return;
  const { properties, required } = items;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  for (const key of keys.map(String)) {
    const known =
      isPlainObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!isPlainObject(known)) report(at, `${quote(key)} is no field of the items`);
    else if (!needed.includes(key) && known['default'] === undefined) {
      report(at, `${quote(key)} must be required of the items, or have a default`);
    }
  }
}
