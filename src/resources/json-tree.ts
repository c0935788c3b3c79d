import { type FieldPath, fieldOf } from './field-path.ts';
import type { FieldProblem } from './field-problem.ts';

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Deeper than any known kind needs, and shallow enough for every function that recurses. */
export const MAX_DEPTH = 100;
/** Lists, objects and values in one resource. */
const MAX_NODES = 200_000;

/**
 * A copy of `value` that is JSON and nothing else: plain objects, lists, finite numbers. What is
 * undefined in an object is left out. Otherwise the first field that is not JSON, is too deep, or
 * would be taken for an object's prototype.
 */
export function jsonTree(value: unknown): { readonly tree: Json } | FieldProblem {
  const copying: Copying = { nodes: 0, problem: undefined };
  const tree = copy(value, [], copying);
  return copying.problem ?? { tree };
}

interface Copying {
  nodes: number;
  problem: FieldProblem | undefined;
}

function copy(value: unknown, path: FieldPath, copying: Copying): Json {
  copying.nodes += 1;
  if (copying.problem !== undefined) return null;
  if (copying.nodes > MAX_NODES) return refuse(path, `has more than ${MAX_NODES} values`, copying);
  if (path.length > MAX_DEPTH) {
    return refuse([], `is nested more than ${MAX_DEPTH} levels deep`, copying);
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => copy(item, [...path, index], copying));
  }
  if (isPlainObject(value)) return copyObject(value, path, copying);
  return refuse(path, 'is not a JSON value', copying);
}

function copyObject(
  object: Readonly<Record<string, unknown>>,
  path: FieldPath,
  copying: Copying,
): { [key: string]: Json } {
  const copied: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(object)) {
    // Assigned to or merged by any later code, this key would change the object's prototype.
    if (key === '__proto__') refuse([...path, key], 'may not be used as a key', copying);
    else if (value !== undefined) copied[key] = copy(value, [...path, key], copying);
    if (copying.problem !== undefined) break;
  }
  return copied;
}

function refuse(path: FieldPath, message: string, copying: Copying): null {
  copying.problem ??= { field: fieldOf(path), message };
  return null;
}

/** Whether `value` is an object as JSON makes them. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
