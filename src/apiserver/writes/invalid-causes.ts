import { pathOf } from '../../resources/field-path.ts';
import type { FieldProblem } from '../../resources/field-problem.ts';
import type { StatusCause } from '../status-error.ts';

/** What is wrong with an object, in the words of Kubernetes' causes. */
export function causesOf(
  problems: readonly FieldProblem[],
  { object, confidential }: { readonly object: unknown; readonly confidential: boolean },
): readonly StatusCause[] {
  return problems.map((problem) => causeOf(problem, confidential ? undefined : object));
}

function causeOf({ field, message, reason }: FieldProblem, object: unknown): StatusCause {
  switch (message === 'is required' ? 'required' : reason) {
    case 'required':
      return {
        reason: 'FieldValueRequired',
        message: message === 'is required' ? 'Required value' : `Required value: ${message}`,
        field,
      };
    case 'unsupported':
      return {
        reason: 'FieldValueNotSupported',
        message: unsupported(field, message, object),
        field,
      };
    case 'type':
      return { reason: 'FieldValueTypeInvalid', message: invalid(field, message, object), field };
    case 'duplicate':
      return { reason: 'FieldValueDuplicate', message: duplicate(field, object), field };
    case 'forbidden':
      return { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field };
    default:
      return { reason: 'FieldValueInvalid', message: invalid(field, message, object), field };
  }
}

/** `Unsupported value: "FOO": supported values: "A", "B"`, out of our `"FOO" is not one of A, B`. */
function unsupported(field: string, message: string, object: unknown): string {
  const words = /is not one of (.*?)(?:; did you mean (.*)\?)?$/.exec(message);
  const value = shown(field, object);
  if (words === null || value === undefined) return `Unsupported value: ${message}`;
  const list = (words[1] ?? '').split(', ').map((word) => JSON.stringify(word));
  const hint = words[2] === undefined ? '' : `; did you mean ${words[2]}?`;
  return `Unsupported value: ${value}: supported values: ${list.join(', ')}${hint}`;
}

function invalid(field: string, message: string, object: unknown): string {
  const value = shown(field, object);
  return value === undefined ? `Invalid value: ${message}` : `Invalid value: ${value}: ${message}`;
}

const LONGEST_VALUE = 200;

function duplicate(field: string, object: unknown): string {
  const value = valueAt(field, object);
  return `Duplicate value${value === undefined ? '' : `: ${cut(JSON.stringify(value))}`}`;
}

function shown(field: string, object: unknown): string | undefined {
  const value = valueAt(field, object);
  if (value === undefined || (typeof value === 'object' && value !== null)) return undefined;
  return cut(JSON.stringify(value));
}

function valueAt(field: string, object: unknown): unknown {
  let value: unknown = object;
  for (const step of field === '' ? [] : pathOf(field)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

function cut(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
