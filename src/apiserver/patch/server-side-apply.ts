import type { Json } from '../../resources/json-tree.ts';
import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { fieldSchema, type JsonSchema } from '../discovery/api-schema.ts';
import { StatusError } from '../status-error.ts';
import { appliedBefore } from './applied-before.ts';
import {
  type FieldPathText,
  isAtomicMap,
  isWithin,
  itemStep,
  joinSteps,
  leavesOf,
  listKind,
  type Step,
  splitSteps,
} from './field-tree.ts';
import { type FieldSet, showPath } from './fields-v1.ts';
import {
  compareLeaves,
  isUnowned,
  type ManagedEntry,
  managedEntries,
  sameWriter,
  type Writer,
} from './managed-fields.ts';

export interface ApplyRequest {
  /** What is stored; undefined when the object is made by this. */
  readonly live: JsonObject | undefined;
  /** What the applier wants of it, and nothing else. */
  readonly config: JsonObject;
  readonly schema: JsonSchema | undefined;
  readonly writer: Writer & { readonly operation: 'Apply'; readonly time: string };
  /** Take what others own with another value, instead of refusing. */
  readonly force: boolean;
}

export interface Applied {
  /** Without managedFields, which are `entries`. */
  readonly object: JsonObject;
  readonly entries: readonly ManagedEntry[];
}

/**
 * Server-side apply: what is in `config` becomes so and the applier's; what it applied before, does not
 * any more, and nobody else owns, goes.
 *
 * @throws {StatusError} Conflict with a cause for each field that another manager owns with another value.
 */
export function serverSideApply(request: ApplyRequest): Applied {
  const { live = {}, config, schema, writer } = request;
  const entries = managedEntries(live);
  const mine = entries.find((entry) => sameWriter(entry, writer));
  const others = entries.filter((entry) => entry !== mine);
  const wanted = ownedBy(config, schema);
  const liveLeaves = leavesOf(live, schema);
  const merged = mergeValues(live, config, schema);
  const { written } = compareLeaves(liveLeaves, leavesOf(merged, schema));
  const free = appliedBefore(live, { manager: writer.manager, schema });
  const taken = conflictsWith(others, written.intersection(wanted).difference(free));
  if (taken.length > 0 && !request.force) throw applyConflict(taken);
  const left = others.map((entry) => ({ ...entry, fields: entry.fields.difference(written) }));
  const gone = (mine?.fields ?? new Set<FieldPathText>()).difference(wanted);
  const object = prune(merged, {
    gone,
    kept: [wanted, ...left.map(({ fields }) => fields)],
    schema,
  });
  const unchanged = mine !== undefined && mine.fields.symmetricDifference(wanted).size === 0;
  const time = unchanged ? mine.time : writer.time;
  return { object, entries: [...left, { ...writer, time, fields: wanted }] };
}

function ownedBy(config: JsonObject, schema: JsonSchema | undefined): FieldSet {
  return new Set([...leavesOf(config, schema).keys()].filter((path) => !isUnowned(path)));
}

interface Taken {
  readonly entry: ManagedEntry;
  readonly path: FieldPathText;
}

function conflictsWith(others: readonly ManagedEntry[], changed: FieldSet): readonly Taken[] {
  return others.flatMap((entry) =>
    [...entry.fields.intersection(changed)]
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((path) => ({ entry, path })),
  );
}

function applyConflict(taken: readonly Taken[]): StatusError {
  const managers = [...new Set(taken.map(({ entry }) => entry.manager))];
  const lines = managers.map((manager) => {
    const paths = taken.filter(({ entry }) => entry.manager === manager);
    return `conflicts with "${manager}":\n${paths.map(({ path }) => `- ${showPath(path)}`).join('\n')}`;
  });
  const [first] = taken;
  const message =
    taken.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: conflict with ${describe(first.entry)}: ${showPath(first.path)}`
      : `Apply failed with ${taken.length} conflicts: ${lines.join('\n')}`;
  return new StatusError('Conflict', message, {
    causes: taken.map(({ entry, path }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${describe(entry)}`,
      field: showPath(path),
    })),
  });
}

function describe({ manager, operation, subresource, apiVersion, time }: ManagedEntry): string {
  const sub = subresource === '' ? '' : ` with subresource "${subresource}"`;
  return operation === 'Apply'
    ? `"${manager}"${sub}`
    : `"${manager}"${sub} using ${apiVersion} at ${time}`;
}

/** `config` over `live`, by the schema's rules for lists. */
function mergeValues(
  live: JsonObject,
  config: JsonObject,
  schema: JsonSchema | undefined,
): JsonObject {
  const merged = new Map<string, Json>(Object.entries(live));
  for (const [key, value] of Object.entries(config)) {
    merged.set(key, mergeValue(merged.get(key), value, fieldSchema(schema, key)));
  }
  return Object.fromEntries(merged);
}

function mergeValue(live: Json | undefined, value: Json, schema: JsonSchema | undefined): Json {
  if (isJsonObject(value) && isJsonObject(live) && !isAtomicMap(schema)) {
    return mergeValues(live, value, schema);
  }
  return Array.isArray(value) && Array.isArray(live) ? mergeLists(live, value, schema) : value;
}

function mergeLists(live: Json[], wanted: Json[], schema: JsonSchema | undefined): Json[] {
  const kind = listKind(schema);
  const steps = wanted.map((item) => itemStep(item, kind));
  const liveSteps = live.map((item) => itemStep(item, kind));
  if (kind.list === 'atomic' || steps.includes(undefined) || liveSteps.includes(undefined)) {
    return wanted;
  }
  if (new Set(steps).size !== steps.length) {
    throw new StatusError('Invalid', `a list has two items with ${showPath(duplicate(steps))}`, {});
  }
  const merged = wanted.map((item, index) => {
    const old = live[liveSteps.indexOf(steps[index])];
    return kind.list === 'map' ? mergeValue(old, item, kind.items) : item;
  });
  return interleave(merged, steps, { live, liveSteps });
}

function duplicate(steps: readonly (Step | undefined)[]): FieldPathText {
  return joinSteps([steps.find((step, index) => steps.indexOf(step) !== index) ?? '']);
}

/**
 * In the applier's order; what is of others stays before the item that it stood before. So the order is the
 * same when the same is applied again.
 */
function interleave(
  merged: readonly Json[],
  steps: readonly (Step | undefined)[],
  { live, liveSteps }: { readonly live: Json[]; readonly liveSteps: readonly (Step | undefined)[] },
): Json[] {
  const result: Json[] = [];
  let next = 0;
  const passOthers = (end: number): void => {
    for (; next < end; next += 1) {
      const item = live[next];
      if (item !== undefined && !steps.includes(liveSteps[next])) result.push(item);
    }
  };
  for (const [index, item] of merged.entries()) {
    passOthers(liveSteps.indexOf(steps[index]));
    result.push(item);
  }
  passOthers(live.length);
  return result;
}

interface Pruning {
  readonly gone: FieldSet;
  /** The fields of everybody who still owns some. */
  readonly kept: readonly FieldSet[];
  readonly schema: JsonSchema | undefined;
}

/** Removes what is `gone` unless somebody else owns it or something in it. */
function prune(object: JsonObject, { gone, kept, schema }: Pruning): JsonObject {
  const owned = [...kept.reduce((all, fields) => all.union(fields), new Set<FieldPathText>())];
  const isOwned = (path: FieldPathText): boolean => owned.some((other) => isWithin(other, path));
  // An item of a list goes before the fields in it, or it could not be found any more.
  const doomed = [...gone].filter((path) => !isOwned(path)).toSorted((a, b) => a.length - b.length);
  return doomed.reduce(
    (rest, path) => removeAt(rest, splitSteps(path), { schema, isOwned, at: [] }),
    object,
  );
}

interface Removal {
  readonly schema: JsonSchema | undefined;
  readonly isOwned: (path: FieldPathText) => boolean;
  readonly at: readonly Step[];
}

function removeAt(
  object: JsonObject,
  [step, ...rest]: readonly Step[],
  removal: Removal,
): JsonObject {
  if (step?.startsWith('f:') !== true) return object;
  const key = step.slice(2);
  const { [key]: value, ...others } = object;
  if (value === undefined) return object;
  if (rest.length === 0) return others;
  const at = [...removal.at, step];
  const next = removeIn(value, rest, { ...removal, schema: fieldSchema(removal.schema, key), at });
  const emptied = isEmpty(next) && !isEmpty(value) && !removal.isOwned(joinSteps(at));
  if (emptied) return others;
  return Object.fromEntries(
    Object.entries(object).map(([name, old]) => [name, name === key ? next : old]),
  );
}

function removeIn(value: Json, steps: readonly Step[], removal: Removal): Json {
  if (isJsonObject(value)) return removeAt(value, steps, removal);
  const [step, ...rest] = steps;
  if (!Array.isArray(value) || step === undefined) return value;
  const kind = listKind(removal.schema);
  const index = value.findIndex((item) => itemStep(item, kind) === step);
  const item = value[index];
  if (item === undefined) return value;
  if (rest.length === 0) return value.toSpliced(index, 1);
  if (kind.list !== 'map' || isKeyField(rest, kind.keys)) return value;
  const next = removeIn(item, rest, { ...removal, schema: kind.items, at: [...removal.at, step] });
  return value.with(index, next);
}

/** What tells an item apart stays as long as the item does. */
function isKeyField(steps: readonly Step[], keys: readonly string[]): boolean {
  return steps.length === 1 && keys.includes((steps[0] ?? '').slice(2));
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Only what an applier may say: not managedFields, which are the server's. */
export function refuseManagedFields(config: JsonObject): void {
  const given = fieldIn(fieldIn(config, 'metadata'), 'managedFields');
  if (Array.isArray(given) && given.length > 0) {
    throw new StatusError('BadRequest', 'metadata.managedFields must be nil');
  }
}
