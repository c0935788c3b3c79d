import type { Json } from '../../resources/json-tree.ts';
import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { fieldSchema, itemSchema, type JsonSchema } from '../discovery/api-schema.ts';
import { badRequest } from '../status-error.ts';

const ORDER = '$setElementOrder/';
const DELETE = '$deleteFromPrimitiveList/';
const RETAIN = '$retainKeys';
const DIRECTIVE = '$patch';

/**
 * Kubernetes' strategic merge patch: objects merge, null removes, and lists that the schema says so of
 * merge by their key. Neither argument is changed.
 *
 * @throws {StatusError} BadRequest for a directive that is none, or an item without its key.
 */
export function strategicMerge(
  target: JsonObject,
  patch: JsonObject,
  schema: JsonSchema | undefined,
): JsonObject {
  const directive = fieldIn(patch, DIRECTIVE);
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);
  const merged = new Map<string, Json>(Object.entries(retained(target, patch)));
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    const next = mergeField(merged.get(key), value, fieldSchema(schema, key));
    if (next === undefined) merged.delete(key);
    else merged.set(key, next);
  }
  return Object.fromEntries(applyListDirectives(merged, patch, schema));
}

/** The field after the patch, undefined where the patch removes it. */
function mergeField(
  old: Json | undefined,
  value: Json,
  schema: JsonSchema | undefined,
): Json | undefined {
  if (value === null || fieldIn(value, DIRECTIVE) === 'delete') return undefined;
  if (Array.isArray(value)) return mergeList(old, value, schema);
  if (!isJsonObject(value)) return value;
  return strategicMerge(isJsonObject(old) ? old : {}, value, schema);
}

/** `$retainKeys`: of a union, what the patch does not name goes. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = fieldIn(patch, RETAIN);
  if (keys === undefined) return target;
  if (!Array.isArray(keys)) throw badRequest(`${RETAIN} must be a list of keys`);
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function mergesLists(schema: JsonSchema | undefined): boolean {
  return String(schema?.['x-kubernetes-patch-strategy'] ?? '')
    .split(',')
    .includes('merge');
}

function mergeKeyOf(schema: JsonSchema | undefined): string | undefined {
  const key = schema?.['x-kubernetes-patch-merge-key'];
  return typeof key === 'string' ? key : undefined;
}

function mergeList(old: Json | undefined, patch: Json[], schema: JsonSchema | undefined): Json[] {
  const items = Array.isArray(old) ? old : [];
  if (!mergesLists(schema)) return patch.map(cleaned);
  const key = mergeKeyOf(schema);
  if (key === undefined) {
    return [...items, ...patch.filter((item) => !items.includes(item))];
  }
  if (patch.some((item) => fieldIn(item, DIRECTIVE) === 'replace')) {
    return patch.filter((item) => fieldIn(item, DIRECTIVE) === undefined).map(cleaned);
  }
  return patch.reduce<Json[]>(
    (merged, item) => mergeItem(merged, item, { key, schema }),
    [...items],
  );
}

function mergeItem(
  items: Json[],
  patch: Json,
  { key, schema }: { readonly key: string; readonly schema: JsonSchema | undefined },
): Json[] {
  const value = fieldIn(patch, key);
  if (!isJsonObject(patch) || value === undefined) {
    throw badRequest(`map: ${JSON.stringify(patch)} does not contain declared merge key: ${key}`);
  }
  const at = items.findIndex((item) => fieldIn(item, key) === value);
  const directive = fieldIn(patch, DIRECTIVE);
  if (directive === 'delete') return items.filter((item) => fieldIn(item, key) !== value);
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);
  const old = items[at];
  const merged = strategicMerge(isJsonObject(old) ? old : {}, patch, itemSchema(schema));
  return at < 0 ? [...items, merged] : items.with(at, merged);
}

/** `$deleteFromPrimitiveList/x` and `$setElementOrder/x`, once everything else is merged. */
function applyListDirectives(
  merged: Map<string, Json>,
  patch: JsonObject,
  schema: JsonSchema | undefined,
): Map<string, Json> {
  for (const [directive, value] of Object.entries(patch)) {
    const list = listNamed(directive, merged);
    if (list === undefined || !Array.isArray(value)) continue;
    if (directive.startsWith(DELETE)) {
      merged.set(
        list.name,
        list.items.filter((item) => !value.includes(item)),
      );
    } else {
      const key = mergeKeyOf(fieldSchema(schema, list.name));
      merged.set(list.name, inOrder(list.items, value, key));
    }
  }
  return merged;
}

function listNamed(directive: string, merged: ReadonlyMap<string, Json>) {
  const prefix = [ORDER, DELETE].find((start) => directive.startsWith(start));
  if (prefix === undefined) return undefined;
  const name = directive.slice(prefix.length);
  const items = merged.get(name);
  return Array.isArray(items) ? { name, items } : undefined;
}

/** In the wished order; what that does not name keeps its place behind what it followed. */
function inOrder(items: Json[], order: readonly Json[], key: string | undefined): Json[] {
  const keyOf = (item: Json): Json | undefined => (key === undefined ? item : fieldIn(item, key));
  const wished = order.map(keyOf);
  const rank = (item: Json): number => wished.indexOf(keyOf(item) ?? null);
  const named = items.filter((item) => rank(item) >= 0).toSorted((a, b) => rank(a) - rank(b));
  const result: Json[] = [];
  for (const item of items) {
    if (rank(item) < 0) result.push(item);
    else result.push(named.shift() ?? item);
  }
  return result;
}

function cleaned(value: Json): Json {
  if (Array.isArray(value)) return value.map(cleaned);
  return isJsonObject(value) ? withoutDirectives(value) : value;
}

function withoutDirectives(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key, value]) => !key.startsWith('$') && value !== null)
      .map(([key, value]) => [key, cleaned(value)]),
  );
}

function unknownDirective(directive: Json) {
  return badRequest(
    `invalid value for ${DIRECTIVE}: ${JSON.stringify(directive)}; use replace, delete or merge`,
  );
}
