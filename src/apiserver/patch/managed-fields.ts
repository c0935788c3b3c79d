import type { Json } from '../../resources/json-tree.ts';
import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { type FieldPathText, isWithin } from './field-tree.ts';
import { decodeFieldsV1, encodeFieldsV1, type FieldSet } from './fields-v1.ts';

/** Who wrote, and how: what tells entries of managedFields apart. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty for the object's own path. */
  readonly subresource: string;
}

export interface ManagedEntry extends Writer {
  readonly time: string;
  readonly fields: FieldSet;
}

/** As many as Kubernetes keeps of those who update; older ones become one. */
const MOST_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

export function sameWriter(a: Writer, b: Writer): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** The entries of an object; what is malformed is left out. */
export function managedEntries(object: JsonObject): readonly ManagedEntry[] {
  const list = fieldIn(fieldIn(object, 'metadata'), 'managedFields');
  return Array.isArray(list) ? list.flatMap(decodeEntry) : [];
}

function decodeEntry(entry: Json): readonly ManagedEntry[] {
  if (!isJsonObject(entry)) return [];
  const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return [];
  return [
    {
      manager: String(manager ?? ''),
      operation,
      apiVersion: String(apiVersion ?? ''),
      subresource: String(subresource ?? ''),
      time: String(time ?? ''),
      fields: decodeFieldsV1(fieldsV1),
    },
  ];
}

/** The list for `metadata.managedFields`, without entries that own nothing. */
export function encodeEntries(entries: readonly ManagedEntry[]): Json[] {
  return bounded(entries)
    .filter(({ fields }) => fields.size > 0)
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFieldsV1(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function bounded(entries: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const updaters = entries.filter(
    ({ operation, subresource }) => operation === 'Update' && subresource === '',
  );
  if (updaters.length <= MOST_UPDATERS) return entries;
  const old = new Set(
    updaters
      .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      .slice(0, updaters.length - MOST_UPDATERS + 1),
  );
  const [first] = old;
  if (first === undefined) return entries;
  const fields = [...old].reduce((all, entry) => all.union(entry.fields), new Set<string>());
  return [{ ...first, manager: ANCIENT, fields }, ...entries.filter((entry) => !old.has(entry))];
}

const UNOWNED_METADATA = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
].map((field) => `f:metadata\nf:${field}`);
const UNOWNED = ['f:apiVersion', 'f:kind', ...UNOWNED_METADATA];

/** Whether nobody can own the field, because it is the server's or says which object it is. */
export function isUnowned(path: FieldPathText): boolean {
  return path === 'f:metadata' || UNOWNED.some((above) => isWithin(path, above));
}

/** What a write changed. */
export interface Changes {
  /** New, or of another value. */
  readonly written: FieldSet;
  readonly removed: FieldSet;
}

export function compareLeaves(
  before: ReadonlyMap<FieldPathText, string>,
  after: ReadonlyMap<FieldPathText, string>,
): Changes {
  const written = new Set<FieldPathText>();
  const removed = new Set<FieldPathText>();
  for (const [path, value] of after) {
    if (before.get(path) !== value && !isUnowned(path)) written.add(path);
  }
  for (const path of before.keys()) {
    if (!after.has(path) && !isUnowned(path)) removed.add(path);
  }
  return { written, removed };
}

/** The entries after somebody wrote by POST, PUT or PATCH: what they changed is theirs alone. */
export function afterUpdate(
  entries: readonly ManagedEntry[],
  writer: Writer & { readonly time: string },
  { written, removed }: Changes,
): readonly ManagedEntry[] {
  if (written.size === 0 && removed.size === 0) return entries;
  const lost = written.union(removed);
  const mine = entries.find((entry) => sameWriter(entry, writer));
  const others = entries
    .filter((entry) => entry !== mine)
    .map((entry) => ({ ...entry, fields: entry.fields.difference(lost) }));
  const fields = (mine?.fields ?? new Set<FieldPathText>()).difference(removed).union(written);
  return [...others, { ...writer, fields }].filter((entry) => entry.fields.size > 0);
}
