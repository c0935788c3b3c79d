import type { Resource } from '../resources/resource.ts';

/**
 * A deeply frozen copy of `resource` as JSON keeps it, so that what is stored does not depend on
 * whether it has been to the disk yet, nor on what the caller does with its own object later.
 */
export function parseFrozen(json: string): Resource {
  const resource: Resource = JSON.parse(json);
  deepFreeze(resource);
  return resource;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
