import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { type FieldPath, fieldOf } from './field-path.ts';
import { type FieldProblem, MAX_PROBLEMS, type ProblemReason, quote } from './field-problem.ts';
import type { Json } from './json-tree.ts';
import { suggestion } from './nearest.ts';
import { SCHEMA_ANNOTATIONS } from './schema-annotations.ts';
import { schemaKeywords } from './schema-keywords.ts';

const ajv = new Ajv({
  // Of our own schemas a test has asked for more; those that people define may say odd things.
  strict: false,
  // Halves what the validators of all kinds take in memory and in time to be made; they run as fast.
  code: { optimize: false },
  allErrors: true,
  useDefaults: true,
  verbose: true,
  messages: false,
  ownProperties: true,
  // Said of a field for clients; what of it must hold is checked beyond the schema.
  validateFormats: false,
})
  // Patterns are RE2's, and checked by functions: JavaScript's engine can be made to run for ever.
  .removeKeyword('pattern')
  .addVocabulary([...SCHEMA_ANNOTATIONS]);
for (const keyword of schemaKeywords) ajv.addKeyword(keyword);
const compiled = new WeakMap<TSchema, ValidateFunction>();

const REASONS: Readonly<Record<string, ProblemReason>> = {
  required: 'required',
  type: 'type',
  enum: 'unsupported',
  additionalProperties: 'unknown',
  'x-hauberk-unique': 'duplicate',
};

export interface SchemaQuestion {
  readonly schema: TSchema;
  /** Where in the resource the checked value is; empty for its top. */
  readonly at?: FieldPath;
  /** Whether messages may quote values. */
  readonly confidential: boolean;
}

/**
 * Fills the schema's defaults into `value` and returns everything in which it does not follow the
 * schema, up to MAX_PROBLEMS. Schemas are compiled once, when they are first used.
 */
export function checkSchema(value: Json, question: SchemaQuestion): readonly FieldProblem[] {
  const { schema, at = [], confidential } = question;
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  // Kept above for as long as the schema lives, and no longer.
  ajv.removeSchema(schema);
  if (validate(value)) return [];
  // A value that is no text has its wrong type reported already.
  const errors = (validate.errors ?? []).filter(
    ({ keyword, data }) => keyword !== 'enum' || typeof data === 'string',
  );
  return errors.slice(0, MAX_PROBLEMS).map((error) => {
    const path = [...at, ...pathIn(value, error)];
    const problem = { field: fieldOf(path), message: messageOf(error, confidential) };
    const reason = REASONS[error.keyword];
    return reason === undefined ? problem : { ...problem, reason };
  });
}

/** The path of the field that an error is about, from the JSON pointer of its object. */
function pathIn(root: Json, error: ErrorObject): FieldPath {
  const path: (string | number)[] = [];
  let value: unknown = root;
  for (const escaped of error.instancePath.split('/').slice(1)) {
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  const { additionalProperty, missingProperty, item } = parametersOf(error);
  const below = additionalProperty ?? missingProperty ?? item;
  return typeof below === 'string' || typeof below === 'number' ? [...path, below] : path;
}

function messageOf(error: ErrorObject, confidential: boolean): string {
  const { limit, additionalProperty } = parametersOf(error);
  const shown = confidential ? '' : `, not ${describe(error.data)}`;
  switch (error.keyword) {
    case 'type':
      return `must be ${expected(error)}${mismatch(error, confidential)}`;
    case 'enum':
      return enumMessage(error, confidential);
    case 'additionalProperties':
      return unknownField(String(additionalProperty), error);
    case 'required':
      return 'is required';
    case 'minimum':
    case 'maximum':
      return `must be ${rangeOf(error)}${shown}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `has fewer than ${String(limit)} characters`;
    case 'maxLength':
      return `has more than ${String(limit)} characters`;
    case 'minItems':
    case 'minProperties':
      return limit === 1
        ? 'must have at least one element; leave it out if none is meant'
        : `has fewer than ${String(limit)} elements`;
    case 'maxItems':
    case 'maxProperties':
      return `has more than ${String(limit)} elements`;
    case 'exclusiveMinimum':
      return `must be above ${String(limit)}${shown}`;
    case 'exclusiveMaximum':
      return `must be below ${String(limit)}${shown}`;
    case 'multipleOf':
      return `must be a multiple of ${String(parametersOf(error)['multipleOf'])}${shown}`;
    case 'oneOf':
      return 'must be in exactly one of the forms that its schema lists';
    case 'anyOf':
      return 'must be in one of the forms that its schema lists';
    case 'not':
      return 'is in a form that its schema excludes';
    case 'x-hauberk-check':
    case 'x-hauberk-one-of':
    case 'x-hauberk-unique':
      return confidential ? 'is not in the form that it must have' : String(error.message);
    default:
      return `breaks the rule ${quote(error.keyword)}`;
  }
}

function enumMessage(error: ErrorObject, confidential: boolean): string {
  const { allowedValues } = parametersOf(error);
  const words = Array.isArray(allowedValues) ? allowedValues.map(String) : [];
  if (confidential) return `must be one of ${words.join(', ')}`;
  const value: unknown = error.data;
  const meant = typeof value === 'string' ? suggestion(value, words) : '';
  return `${describe(value)} is not one of ${words.join(', ')}${meant}`;
}

function unknownField(name: string, error: ErrorObject): string {
  const { properties, patternProperties } = parentOf(error);
  if (patternProperties !== undefined) return `${quote(name)} may not be used as a key`;
  return `unknown field ${quote(name)}${suggestion(name, Object.keys(properties ?? {}))}`;
}

function rangeOf(error: ErrorObject): string {
  const { minimum, maximum } = parentOf(error);
  if (minimum === undefined) return `at most ${String(maximum)}`;
  if (maximum === undefined) return `at least ${String(minimum)}`;
  return `between ${String(minimum)} and ${String(maximum)}`;
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function expected(error: ErrorObject): string {
  const { type } = parametersOf(error);
  const types = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return types.map((name) => ARTICLES[name] ?? name).join(' or ');
}

/** What stands there in place of the type expected, and the usual slip of the pen that explains it. */
function mismatch(error: ErrorObject, confidential: boolean): string {
  const value: unknown = error.data;
  if (value === null) return ', not null; leave the field out if nothing is meant';
  if (confidential) return '';
  const wanted = String(parametersOf(error)['type']);
  const written = `, not ${describe(value)}`;
  if (wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return `${written}; put it in quotes`;
  }
  const plain = typeof value === 'string' && /^(?:-?\d{1,15}|true|false)$/.test(value);
  return plain && wanted !== 'array' && wanted !== 'object'
    ? `${written}; leave out the quotes`
    : written;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function parametersOf(error: ErrorObject): Readonly<Record<string, unknown>> {
  return error.params;
}

function parentOf(error: ErrorObject): Readonly<Record<string, unknown>> {
  return error.parentSchema ?? {};
}
