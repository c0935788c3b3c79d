import { type FieldPath, fieldOf } from '../../resources/field-path.ts';
import type { Json } from '../../resources/json-tree.ts';
import { isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import {
  fieldSchema,
  isSchema,
  itemSchema,
  type JsonSchema,
  keepsUnknown,
  valueSchemaOf,
} from '../discovery/api-schema.ts';

/** An object without the fields that its schema does not know, and which those were. */
export interface Pruned {
  readonly object: JsonObject;
  /** As Kubernetes writes them: `spec.mtlz`. At most 100. */
  readonly unknown: readonly string[];
}

const MOST_REPORTED = 100;

/** Leaves out what `schema` does not know, all the way down. */
export function pruneUnknown(object: JsonObject, schema: JsonSchema): Pruned {
  const unknown: string[] = [];
  const pruned = prune(object, schema, { path: [], unknown });
  return { object: isJsonObject(pruned) ? pruned : {}, unknown };
}

interface Walk {
  readonly path: FieldPath;
  readonly unknown: string[];
}

function prune(value: Json, schema: JsonSchema | undefined, walk: Walk): Json {
  if (schema === undefined) return value;
  const branches = branchesOf(schema);
  if (branches.length > 0) return pruneByBest(value, schema, branches, walk);
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    return value.map((item, index) =>
      prune(item, items, { path: [...walk.path, index], unknown: walk.unknown }),
    );
  }
  return isJsonObject(value) ? pruneObject(value, schema, walk) : value;
}

function pruneObject(object: JsonObject, schema: JsonSchema, { path, unknown }: Walk): JsonObject {
  const kept: [string, Json][] = [];
  const lenient = keepsUnknown(schema);
  for (const [key, value] of Object.entries(object)) {
    const below = fieldSchema(schema, key);
    if (below === undefined && !lenient && valueSchemaOf(schema) === undefined) {
      if (unknown.length < MOST_REPORTED) unknown.push(fieldOf([...path, key]));
    } else kept.push([key, prune(value, below, { path: [...path, key], unknown })]);
  }
  // Not assigned one by one: a key of any name must become an own field.
  return Object.fromEntries(kept);
}

function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, oneOf } = schema as { anyOf?: unknown; oneOf?: unknown };
  const branches = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
  return branches.filter(isSchema);
}

/** Of several shapes the one that knows most of the value. */
function pruneByBest(
  value: Json,
  schema: JsonSchema,
  branches: readonly JsonSchema[],
  walk: Walk,
): Json {
  const { anyOf: _, oneOf: __, ...own } = schema;
  const shapes = branches.map((branch) => ({
    ...own,
    ...branch,
    ...(isSchema(own['properties'])
      ? { properties: { ...own['properties'], ...Object(branch['properties']) } }
      : {}),
  }));
  const tried = shapes.map((shape) => {
    const unknown: string[] = [];
    return { value: prune(value, shape, { path: walk.path, unknown }), unknown };
  });
  const best = tried.toSorted((a, b) => a.unknown.length - b.unknown.length)[0];
  if (best === undefined) return value;
  walk.unknown.push(...best.unknown.slice(0, MOST_REPORTED - walk.unknown.length));
  return best.value;
}
