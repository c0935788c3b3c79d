import type { TSchema } from 'typebox';

/** A schema as OpenAPI 3.0 writes it. */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

/** Said otherwise in OpenAPI, or not at all. */
const TRANSLATED = new Set([
  'type',
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'x-hauberk-nullable',
  'x-hauberk-pattern',
  'x-hauberk-check',
  'x-hauberk-one-of',
]);
const COMBINED = new Set(['allOf', 'anyOf', 'oneOf']);

/** `schema` in the words of OpenAPI 3.0: closed objects are the rule there, and null is a flag. */
export function openApiSchema(schema: TSchema): OpenApiSchema {
  const said: Record<string, unknown> = {};
  const given = schema as Readonly<Record<string, unknown>>;
  for (const [keyword, value] of Object.entries(given)) {
    if (COMBINED.has(keyword)) said[keyword] = (value as TSchema[]).map(openApiSchema);
    else if (keyword === 'not') said[keyword] = openApiSchema(value as TSchema);
    else if (!TRANSLATED.has(keyword)) said[keyword] = value;
  }
  if (given['x-hauberk-nullable'] === true) said['nullable'] = true;
  if (given['x-hauberk-pattern'] !== undefined) said['pattern'] = given['x-hauberk-pattern'];
  return { ...said, ...typeOf(given), ...childrenOf(given) };
}

function typeOf(schema: Readonly<Record<string, unknown>>): OpenApiSchema {
  const { type } = schema;
  if (schema['x-kubernetes-int-or-string'] === true || Array.isArray(type)) {
    return {
      'x-kubernetes-int-or-string': true,
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    };
  }
  if (type !== undefined) return { type };
  const opaque = childrenOf(schema);
  return Object.keys(opaque).length > 0 ? { type: 'object' } : {};
}

function childrenOf(schema: Readonly<Record<string, unknown>>): OpenApiSchema {
  const { properties, patternProperties, additionalProperties, items } = schema;
  const [value] = Object.values((patternProperties ?? {}) as Record<string, TSchema>);
  const map = value ?? additionalProperties;
  const preserved = value !== undefined && Object.keys(value).length === 0;
  return {
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties as Record<string, TSchema>).map(([name, field]) => [
              name,
              openApiSchema(field),
            ]),
          ),
        }),
    ...(preserved ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    ...(typeof map === 'object' && map !== null && !preserved
      ? { additionalProperties: openApiSchema(map as TSchema) }
      : {}),
    ...(items === undefined ? {} : { items: openApiSchema(items as TSchema) }),
  };
}
