import type { ApiObject } from './api-object.ts';

/** One entry of `metadata.managedFields`. */
interface Managed {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

/**
 * The JSON patch that hands what was applied client-side over to `manager`, who has just applied
 * server-side; otherwise fields that leave the file later would stay. Undefined when there is nothing
 * to hand over.
 */
export function moveToServerSide(
  { metadata }: ApiObject,
  { manager, clientSide }: { readonly manager: string; readonly clientSide: string },
): readonly object[] | undefined {
  const all = metadata['managedFields'];
  const entries: readonly Managed[] = Array.isArray(all) ? all : [];
  const isMain = ({ subresource = '' }: Managed): boolean => subresource === '';
  const own = entries.find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && isMain(entry),
  );
  const old = entries.filter(
    (entry) => entry.manager === clientSide && entry.operation === 'Update' && isMain(entry),
  );
  if (own === undefined || old.length === 0) return undefined;
  const fieldsV1 = old.reduce<unknown>((sum, entry) => union(sum, entry.fieldsV1), own.fieldsV1);
  const value = entries
    .filter((entry) => !old.includes(entry))
    .map((entry) => (entry === own ? { ...own, fieldsV1 } : entry));
  return [
    { op: 'replace', path: '/metadata/managedFields', value },
    // Somebody who writes meanwhile may have changed who owns what.
    { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
  ];
}

/** Sets of fields are trees of keys. */
function union(one: unknown, other: unknown): unknown {
  if (!isTree(one)) return other;
  if (!isTree(other)) return one;
  const merged = new Map(Object.entries(one));
  for (const [key, value] of Object.entries(other)) merged.set(key, union(merged.get(key), value));
  return Object.fromEntries(merged);
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
