import type { Resource } from '../../resources/resource.ts';
import { fieldIn, type JsonObject } from '../bodies/json-object.ts';
import { objectSchema } from '../discovery/api-schema.ts';
import type { ResourceCall } from '../resource-call.ts';
import { timestamp } from '../writes/commit-write.ts';
import { leavesOf } from './field-tree.ts';
import {
  afterUpdate,
  compareLeaves,
  encodeEntries,
  type ManagedEntry,
  managedEntries,
} from './managed-fields.ts';

/**
 * `resource` with managedFields that say that `manager` wrote what differs from `live`. Entries that came
 * with the request take the place of the stored ones, which is how clients migrate them.
 */
export function ownedByUpdate(
  resource: Resource,
  {
    call,
    live,
    wanted,
    manager,
    nowMs,
  }: {
    readonly call: ResourceCall;
    readonly live: Resource | undefined;
    readonly wanted: JsonObject;
    readonly manager: string;
    readonly nowMs: number;
  },
): Resource {
  const { definition, version, apiVersion, target } = call;
  const schema = objectSchema(definition, version);
  const before = live === undefined ? {} : (live as unknown as JsonObject);
  const given = fieldIn(fieldIn(wanted, 'metadata'), 'managedFields');
  const from = live !== undefined && Array.isArray(given) && given.length > 0 ? wanted : before;
  const changes = compareLeaves(
    leavesOf(before, schema),
    leavesOf(resource as unknown as JsonObject, schema),
  );
  const writer = {
    manager,
    operation: 'Update' as const,
    apiVersion,
    subresource: target.subresource ?? '',
    time: timestamp(nowMs),
  };
  return withManagedFields(resource, afterUpdate(managedEntries(from), writer, changes));
}

export function withManagedFields(resource: Resource, entries: readonly ManagedEntry[]): Resource {
  const { managedFields: _, ...metadata } = resource.metadata;
  const managedFields = encodeEntries(entries) as Resource['metadata']['managedFields'];
  if (managedFields === undefined || managedFields.length === 0) return { ...resource, metadata };
  return { ...resource, metadata: { ...metadata, managedFields } };
}
