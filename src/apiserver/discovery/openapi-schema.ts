import type { Json } from '../../resources/json-tree.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { isSchema, type JsonSchema, propertiesOf, valueSchemaOf } from './api-schema.ts';

/** What is copied as it is. */
const PLAIN = [
  'description',
  'default',
  'enum',
  'format',
  'maximum',
  'minimum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'maxItems',
  'minItems',
  'maxProperties',
  'minProperties',
  'multipleOf',
  'pattern',
  'required',
  'uniqueItems',
  'nullable',
];

/** One of our schemas in the dialect of OpenAPI 3.0 that kubectl reads. */
export function openApiSchema(source: object): JsonObject {
  const schema = source as JsonSchema;
  const written = new Map<string, Json>();
  for (const key of Object.keys(schema)) {
    if (PLAIN.includes(key) || key.startsWith('x-kubernetes-')) {
      written.set(key, schema[key] as Json);
    }
  }
  addType(written, schema);
  const properties = Object.entries(propertiesOf(schema));
  if (properties.length > 0) {
    written.set(
      'properties',
      Object.fromEntries(properties.map(([key, field]) => [key, openApiSchema(field)])),
    );
  }
  const values = valueSchemaOf(schema);
  if (values !== undefined) written.set('additionalProperties', openApiSchema(values));
  const { items } = schema;
  if (isSchema(items)) written.set('items', openApiSchema(items));
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = schema[key];
    if (Array.isArray(branches)) written.set(key, branches.filter(isSchema).map(openApiSchema));
  }
  return Object.fromEntries(written);
}

/** OpenAPI 3.0 has one type a schema. */
function addType(written: Map<string, Json>, { type, anyOf, properties }: JsonSchema): void {
  if (typeof type === 'string') written.set('type', type);
  else if (Array.isArray(type)) {
    const types = type.filter((name) => name !== 'null').map(String);
    const [only] = types;
    if (types.length === 1 && only !== undefined) written.set('type', only);
    else {
      written.set(
        'oneOf',
        types.map((name) => ({ type: name })),
      );
      if (types.includes('integer') && types.includes('string')) {
        written.set('x-kubernetes-int-or-string', true);
      }
    }
  } else if (properties !== undefined) written.set('type', 'object');
  else if (anyOf === undefined && !written.has('x-kubernetes-int-or-string')) {
    written.set('x-kubernetes-preserve-unknown-fields', true);
  }
}
