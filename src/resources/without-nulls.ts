import type { TSchema } from 'typebox';
import type { Json } from './json-tree.ts';

interface ParentSchema {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
}

/**
 * `value` without those fields of its schema that are null, which Kubernetes' own kinds read as not
 * given (`creationTimestamp: null`). Null in a map that people key stays, and is refused later: to
 * drop a label from a selector would widen it.
 */
export function withoutNulls(value: Json, schema: TSchema): Json {
  const { properties, items } = schema as ParentSchema;
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item) => withoutNulls(item, items));
  }
  if (value === null || typeof value !== 'object' || properties === undefined) return value;
  const kept: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (field !== null || known === undefined) {
      kept[key] = known === undefined ? field : withoutNulls(field, known);
    }
  }
  return kept;
}
