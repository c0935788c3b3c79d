import type { ApiResource } from '../../apiclient/discovery.ts';
import type { FieldSchema, KindSchema } from '../../apiclient/openapi-schema.ts';
import { MeshError } from '../../lib/errors.ts';
import { suggestion } from '../../resources/nearest.ts';

const WIDTH = 76;
const DEEPEST = 32;

export interface ExplainedPath {
  readonly resource: ApiResource;
  /** From the object down. */
  readonly fields: readonly string[];
  readonly recursive: boolean;
}

/**
 * What a field is and has below it, as `kubectl explain` writes it.
 *
 * @throws {MeshError} ERR_USAGE for a field that there is not, with what was probably meant.
 */
export function explainedField(schema: KindSchema, path: ExplainedPath): string {
  const { resource, fields, recursive } = path;
  const target = fieldAt(schema, fields);
  const { group, kind, version } = resource;
  const last = fields.at(-1);
  const below = objectIn(target, schema);
  return [
    ...(group === '' ? [] : [`GROUP:      ${group}`]),
    `KIND:       ${kind}`,
    `VERSION:    ${version}`,
    '',
    ...(last === undefined ? [] : [`FIELD: ${last} <${typeOf(target, schema)}>`, '']),
    ...enumLines(target),
    'DESCRIPTION:',
    ...wrapped(target.description ?? '<empty>', 4),
    '',
    ...(below === undefined ? [] : ['FIELDS:', ...fieldLines(below, { schema, recursive }), '']),
  ].join('\n');
}

function fieldAt(schema: KindSchema, fields: readonly string[]): FieldSchema {
  let current = schema.resolve(schema.root);
  for (const [at, name] of fields.entries()) {
    const { properties = {} } = objectIn(current, schema) ?? {};
    const next = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (next === undefined) {
      const path = fields.slice(0, at + 1).join('.');
      const hint = suggestion(name, Object.keys(properties));
      throw new MeshError('ERR_USAGE', `field "${path}" does not exist${hint}`);
    }
    current = schema.resolve(next);
  }
  return current;
}

/** The object that a field is, or that the items of it are. */
function objectIn(field: FieldSchema, schema: KindSchema, depth = 0): FieldSchema | undefined {
  const found = schema.resolve(field);
  if (found.properties !== undefined) return found;
  if (depth > DEEPEST) return undefined;
  const { items, additionalProperties } = found;
  if (items !== undefined) return objectIn(items, schema, depth + 1);
  return typeof additionalProperties === 'object'
    ? objectIn(additionalProperties, schema, depth + 1)
    : undefined;
}

function fieldLines(
  object: FieldSchema,
  { schema, recursive }: { readonly schema: KindSchema; readonly recursive: boolean },
): readonly string[] {
  const lines = (one: FieldSchema, depth: number): readonly string[] => {
    const { properties = {}, required = [] } = one;
    return Object.entries(properties)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, property]) => {
        const field = schema.resolve(property);
        const indent = '  '.repeat(depth);
        const must = required.includes(name) ? ' -required-' : '';
        const first = `${indent}${name}\t<${typeOf(field, schema)}>${must}`;
        if (!recursive) {
          const inside = enumLines(field).map((line) => (line === '' ? '' : `${indent}${line}`));
          return [first, ...inside, ...wrapped(field.description ?? '<no description>', 4), ''];
        }
        const below = depth > DEEPEST ? undefined : objectIn(field, schema);
        return [first, ...(below === undefined ? [] : lines(below, depth + 1))];
      });
  };
  return lines(object, 1);
}

function typeOf(field: FieldSchema, schema: KindSchema, depth = 0): string {
  const found = schema.resolve(field);
  if (found['x-kubernetes-int-or-string'] === true) return 'IntOrString';
  if (depth > DEEPEST) return 'Object';
  const { type, items, additionalProperties, properties } = found;
  if (items !== undefined) return `[]${typeOf(items, schema, depth + 1)}`;
  if (typeof additionalProperties === 'object') {
    return `map[string]${typeOf(additionalProperties, schema, depth + 1)}`;
  }
  if (properties !== undefined || type === 'object') return 'Object';
  return type ?? 'Object';
}

function enumLines({ enum: values }: FieldSchema): readonly string[] {
  if (values === undefined || values.length === 0) return [];
  return ['ENUM:', ...values.map((value) => `    ${String(value)}`), ''];
}

function wrapped(text: string, indent: number): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > WIDTH) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}`.trimEnd());
}
