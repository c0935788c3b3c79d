/** The fields of `next` whose value is another one than in `previous`; those that are gone as undefined. */
export function changedFields<T extends object>(next: T, previous: T): Partial<T> {
  const keys = Object.keys({ ...previous, ...next }) as (keyof T)[];
  const changed: Partial<T> = {};
  for (const key of keys) if (next[key] !== previous[key]) changed[key] = next[key];
  return changed;
}
