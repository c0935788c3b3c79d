import { type FieldPath, fieldOf } from '../../resources/field-path.ts';

/** One field that is not the same; absent sides are undefined. */
export interface FieldDifference {
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What the store, the server and `apply` note, which differs between any two versions. */
const NOTED =
  /^metadata\.(?:managedFields|resourceVersion|generation|uid|creationTimestamp|annotations\[kubectl\.kubernetes\.io\/last-applied-configuration\])(?![A-Za-z])/;

/** The fields in which two objects differ, by name; values as JSON. */
export function fieldDifferences(before: unknown, after: unknown): readonly FieldDifference[] {
  const left = fieldsOf(before);
  const right = fieldsOf(after);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => left.get(field) !== right.get(field) && !NOTED.test(field))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((field) => ({ field, before: left.get(field), after: right.get(field) }));
}

function fieldsOf(value: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  collect(value, [], fields);
  return fields;
}

function collect(value: unknown, path: FieldPath, fields: Map<string, string>): void {
  const isTree = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isTree) {
    if (path.length > 0) fields.set(fieldOf(path), JSON.stringify(value));
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    collect(child, [...path, Array.isArray(value) ? Number(key) : key], fields);
  }
}
