import type { Json } from '../../resources/json-tree.ts';
import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { fieldSchema, itemSchema, type JsonSchema, propertiesOf } from '../discovery/api-schema.ts';

/**
 * One step of a field's path, as FieldsV1 writes it: `f:name`, `k:{"port":80,"protocol":"TCP"}` for an
 * item told apart by keys, `v:"text"` for a member of a set.
 */
export type Step = string;

/** The steps from an object's top to one field, as one text. */
export type FieldPathText = string;

const SEPARATOR = '\n';

export function joinSteps(steps: readonly Step[]): FieldPathText {
  return steps.join(SEPARATOR);
}

export function splitSteps(path: FieldPathText): readonly Step[] {
  return path === '' ? [] : path.split(SEPARATOR);
}

/** Whether `path` is `above` or somewhere below it. */
export function isWithin(path: FieldPathText, above: FieldPathText): boolean {
  return path === above || path.startsWith(`${above}${SEPARATOR}`);
}

/** How the items of a list are told apart; lists of which nothing is said are one value. */
export type ListKind =
  | { readonly list: 'atomic' }
  | { readonly list: 'set' }
  | {
      readonly list: 'map';
      readonly keys: readonly string[];
      readonly items: JsonSchema | undefined;
    };

export function listKind(schema: JsonSchema | undefined): ListKind {
  const type = schema?.['x-kubernetes-list-type'];
  if (type === 'set') return { list: 'set' };
  const keys = schema?.['x-kubernetes-list-map-keys'];
  if (type !== 'map' || !Array.isArray(keys)) return { list: 'atomic' };
  return { list: 'map', keys: keys.map(String), items: itemSchema(schema) };
}

/** Whether an object is one value that nobody owns a part of. */
export function isAtomicMap(schema: JsonSchema | undefined): boolean {
  return schema?.['x-kubernetes-map-type'] === 'atomic';
}

/** The step to an item, or undefined where it has none of the keys. Defaults of the schema count as written. */
export function itemStep(item: Json, kind: ListKind): Step | undefined {
  if (kind.list === 'set') return `v:${JSON.stringify(item)}`;
  if (kind.list === 'atomic' || !isJsonObject(item)) return undefined;
  const values: [string, Json][] = [];
  for (const key of kind.keys.toSorted()) {
    const value = fieldIn(item, key) ?? defaultOf(kind.items, key);
    if (value !== undefined) values.push([key, value]);
  }
  return values.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(values))}`;
}

function defaultOf(schema: JsonSchema | undefined, key: string): Json | undefined {
  const property = propertiesOf(schema)[key];
  const value = property?.['default'];
  return value === undefined ? undefined : (value as Json);
}

/**
 * Everything in an object that somebody can own, with its value as text: scalars, lists and maps that
 * are one value, empty objects, and each item of a list that is told apart (with the value '').
 */
export function leavesOf(
  object: JsonObject,
  schema: JsonSchema | undefined,
): ReadonlyMap<FieldPathText, string> {
  const leaves = new Map<FieldPathText, string>();
  visit(object, schema, { steps: [], leaves });
  return leaves;
}

interface Visit {
  readonly steps: readonly Step[];
  readonly leaves: Map<FieldPathText, string>;
}

function visit(value: Json, schema: JsonSchema | undefined, at: Visit): void {
  if (Array.isArray(value)) visitList(value, schema, at);
  else if (isJsonObject(value) && !isAtomicMap(schema)) visitObject(value, schema, at);
  else note(at, JSON.stringify(value));
}

function visitObject(object: JsonObject, schema: JsonSchema | undefined, at: Visit): void {
  const entries = Object.entries(object);
  if (entries.length === 0 && at.steps.length > 0) note(at, '{}');
  for (const [key, value] of entries) {
    visit(value, fieldSchema(schema, key), { ...at, steps: [...at.steps, `f:${key}`] });
  }
}

function visitList(list: Json[], schema: JsonSchema | undefined, at: Visit): void {
  const kind = listKind(schema);
  const steps = list.map((item) => itemStep(item, kind));
  // Of a list whose items cannot be told apart, for a key is missing, nobody owns a part.
  if (kind.list === 'atomic' || list.length === 0 || steps.includes(undefined)) {
    note(at, JSON.stringify(list));
    return;
  }
  for (const [index, item] of list.entries()) {
    const below = { ...at, steps: [...at.steps, steps[index] ?? ''] };
    note(below, '');
    if (kind.list === 'map') visit(item, kind.items, below);
  }
}

function note({ steps, leaves }: Visit, value: string): void {
  leaves.set(joinSteps(steps), value);
}
