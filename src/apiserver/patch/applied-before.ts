import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import type { JsonSchema } from '../discovery/api-schema.ts';
import { type FieldPathText, leavesOf } from './field-tree.ts';
import type { FieldSet } from './fields-v1.ts';

/** Where `kubectl apply` without --server-side notes what it has applied. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** kubectl's name when it applies server-side; nobody else goes on from that note. */
const KUBECTL = 'kubectl';

/**
 * The fields that kubectl has applied before, client-side, and that nobody has changed since: moving
 * to server-side it may write them, whoever is noted as their owner.
 */
export function appliedBefore(
  live: JsonObject,
  { manager, schema }: { readonly manager: string; readonly schema: JsonSchema | undefined },
): FieldSet {
  const note = fieldIn(fieldIn(fieldIn(live, 'metadata'), 'annotations'), LAST_APPLIED);
  if (manager !== KUBECTL || typeof note !== 'string') return new Set();
  const applied = parsed(note);
  if (applied === undefined) return new Set();
  const now = leavesOf(live, schema);
  const same = new Set<FieldPathText>();
  for (const [path, value] of leavesOf(applied, schema))
    if (now.get(path) === value) same.add(path);
  return same;
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
