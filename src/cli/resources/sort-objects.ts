import type { ApiObject } from '../../apiclient/api-object.ts';
import { jsonPathExpression } from './jsonpath-expression.ts';

/** Objects in the order of a field, those without it first; as they are where no field is named. */
export function sortedBy(
  objects: readonly ApiObject[],
  path: string | undefined,
): readonly ApiObject[] {
  if (path === undefined) return objects;
  const read = jsonPathExpression(path.replace(/^\{(.*)\}$/s, '$1'));
  const keyed = objects.map((object) => ({ object, key: read(object, object)[0] }));
  return keyed.toSorted((a, b) => compared(a.key, b.key)).map(({ object }) => object);
}

function compared(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : Number(left > right);
}
