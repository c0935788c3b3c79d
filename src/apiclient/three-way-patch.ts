import { sameJson } from '../resources/same-json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The three states that a change is made of. */
export interface ThreeStates {
  /** What was applied before; undefined when nothing was. */
  readonly original: unknown;
  /** What is wanted. */
  readonly modified: unknown;
  /** What is there. */
  readonly current: unknown;
}

/**
 * By which field the items of a list are told apart, for lists that several may add to; undefined for
 * lists that are replaced whole.
 */
export type MergeKeyOf = (path: readonly string[]) => string | undefined;

/**
 * The patch that makes `current` what is wanted and leaves alone what others have set: fields of
 * `modified` that differ, and null for those that were applied before and are wanted no more. Without
 * `mergeKeyOf` it is a JSON merge patch; with it the named lists are patched as strategic merge says.
 * Undefined when there is nothing to do.
 */
export function threeWayPatch(
  states: ThreeStates,
  mergeKeyOf: MergeKeyOf = () => undefined,
): Fields | undefined {
  return patchOf(states, [], mergeKeyOf);
}

function patchOf(
  { original, modified, current }: ThreeStates,
  path: readonly string[],
  mergeKeyOf: MergeKeyOf,
): Fields | undefined {
  const [before, wanted, live] = [fields(original), fields(modified), fields(current)];
  const patch: [string, unknown][] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const states = { original: own(before, key), modified: value, current: own(live, key) };
    const change = changeOf(states, [...path, key], mergeKeyOf);
    if (change !== undefined) patch.push([key, change]);
  }
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(wanted, key) && Object.hasOwn(live, key)) patch.push([key, null]);
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

function changeOf(states: ThreeStates, path: readonly string[], mergeKeyOf: MergeKeyOf): unknown {
  const { modified, current } = states;
  if (modified === null) return current === undefined || current === null ? undefined : null;
  if (isObject(modified) && isObject(current)) return patchOf(states, path, mergeKeyOf);
  const mergeKey = mergeKeyOf(path);
  if (mergeKey !== undefined && Array.isArray(modified) && Array.isArray(current)) {
    return listPatch(states, { path, mergeKey, mergeKeyOf });
  }
  // An object that is new may have nothing in it; null and undefined fields have no meaning there.
  return sameJson(modified, current) ? undefined : modified;
}

/** The items that change, those that go marked so. */
function listPatch(
  { original, modified, current }: ThreeStates,
  about: {
    readonly path: readonly string[];
    readonly mergeKey: string;
    readonly mergeKeyOf: MergeKeyOf;
  },
): readonly unknown[] | undefined {
  const { mergeKey, path, mergeKeyOf } = about;
  const [before, wanted, live] = [original, modified, current].map((list) => byKey(list, mergeKey));
  const patch: unknown[] = [];
  for (const [key, item] of wanted ?? []) {
    const states = { original: before?.get(key), modified: item, current: live?.get(key) };
    if (states.current === undefined) {
      patch.push(item);
      continue;
    }
    const change = patchOf(states, path, mergeKeyOf);
    if (change !== undefined) patch.push({ [mergeKey]: key, ...change });
  }
  for (const key of before?.keys() ?? []) {
    if (!wanted?.has(key) && live?.has(key)) patch.push({ $patch: 'delete', [mergeKey]: key });
  }
  return patch.length === 0 ? undefined : patch;
}

function byKey(list: unknown, mergeKey: string): ReadonlyMap<unknown, unknown> {
  const items = Array.isArray(list) ? list : [];
  return new Map(items.map((item) => [fields(item)[mergeKey], item]));
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fields(value: unknown): Fields {
  return isObject(value) ? value : {};
}

/** `__proto__` in a file is a field like any other. */
function own(value: Fields, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
