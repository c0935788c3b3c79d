import { fieldIn, isJsonObject } from './bodies/json-object.ts';

/** Whether labels are taken by a metav1.LabelSelector; an empty one takes all, a malformed one none. */
export function matchesLabelSelector(
  selector: unknown,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  if (!isJsonObject(selector)) return false;
  const exact = fieldIn(selector, 'matchLabels') ?? {};
  const expressions = fieldIn(selector, 'matchExpressions') ?? [];
  if (!isJsonObject(exact) || !Array.isArray(expressions)) return false;
  return (
    Object.entries(exact).every(([key, value]) => labelOf(labels, key) === value) &&
    expressions.every((expression) => holds(expression, labels))
  );
}

function holds(expression: unknown, labels: Readonly<Record<string, string>>): boolean {
  const values = fieldIn(expression, 'values') ?? [];
  const value = labelOf(labels, String(fieldIn(expression, 'key') ?? ''));
  if (!Array.isArray(values)) return false;
  switch (fieldIn(expression, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
