import type { TSchema } from 'typebox';
import type { Json } from './json-tree.ts';

interface ParentSchema {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly 'x-hauberk-drop-null'?: boolean;
}

/**
 * `value` without those fields of its schema that are null: all of them, which is how Kubernetes' own
 * kinds are read (`creationTimestamp: null`), or only those where the schema says that null means
 * nothing. Null in a map that people key stays, and is refused later: to drop a label from a selector would widen it.
 */
export function withoutNulls(value: Json, schema: TSchema, which: 'all' | 'nullable'): Json {
  const { properties, items, patternProperties } = schema as ParentSchema;
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item) => withoutNulls(item, items, which));
  }
  if (value === null || typeof value !== 'object') return value;
  if (patternProperties !== undefined) return inMap(value, patternProperties, which);
  if (properties === undefined) return value;
  const kept: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known === undefined) kept[key] = field;
    else if (field !== null || !isDropped(known, which)) {
      kept[key] = withoutNulls(field, known, which);
    }
  }
  return kept;
}

function inMap(
  value: { readonly [key: string]: Json },
  patterns: Readonly<Record<string, TSchema>>,
  which: 'all' | 'nullable',
): Json {
  const [schema] = Object.values(patterns);
  if (schema === undefined) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withoutNulls(field, schema, which)]),
  );
}

function isDropped(schema: TSchema, which: 'all' | 'nullable'): boolean {
  return which === 'all' || (schema as ParentSchema)['x-hauberk-drop-null'] === true;
}
