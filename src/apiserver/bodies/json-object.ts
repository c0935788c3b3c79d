import { isPlainObject, type Json } from '../../resources/json-tree.ts';
import type { Resource } from '../../resources/resource.ts';

export type JsonObject = { [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return isPlainObject(value);
}

/** The field, if `value` is an object that has it itself; what it inherits is none. */
export function fieldIn(value: unknown, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A copy that may be changed, of what the store has frozen. */
export function thawed(resource: Resource): JsonObject {
  return structuredClone(resource) as unknown as JsonObject;
}

/** `object` with `key` set, or without it where `value` is undefined. */
export function withField(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  const { [key]: _, ...rest } = object;
  return value === undefined ? rest : { ...rest, [key]: value };
}
