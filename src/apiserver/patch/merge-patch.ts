import type { Json } from '../../resources/json-tree.ts';
import { isJsonObject, type JsonObject } from '../bodies/json-object.ts';

/** RFC 7396: objects merge, null removes, everything else replaces. Neither argument is changed. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, Json>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  // Out of entries every key becomes an own field, `__proto__` too.
  return Object.fromEntries(merged) satisfies JsonObject;
}
