import { isPlainObject, type Json, MAX_DEPTH } from '../../resources/json-tree.ts';
import { isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { type FieldPathText, joinSteps, type Step, splitSteps } from './field-tree.ts';

/** Fields that somebody owns. */
export type FieldSet = ReadonlySet<FieldPathText>;

/** The set in the form of metav1.FieldsV1. */
export function encodeFieldsV1(fields: FieldSet): JsonObject {
  const root = new Node();
  for (const path of [...fields].toSorted(byText)) root.add(splitSteps(path));
  return root.toJson();
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

class Node {
  readonly #children = new Map<Step, Node>();
  #owned = false;

  add([step, ...rest]: readonly Step[]): void {
    if (step === undefined) {
      this.#owned = true;
      return;
    }
    let child = this.#children.get(step);
    if (child === undefined) {
      child = new Node();
      this.#children.set(step, child);
    }
    child.add(rest);
  }

  toJson(): JsonObject {
    const entries = [...this.#children].map(([step, child]): [string, Json] => [
      step,
      child.toJson(),
    ]);
    // A leaf is `{}`; `.` is said only of what has fields of its own that are owned too.
    const own: [string, Json][] = this.#owned && entries.length > 0 ? [['.', {}]] : [];
    return Object.fromEntries([...own, ...entries]);
  }
}

/** Reads metav1.FieldsV1; steps that are none are left out. */
export function decodeFieldsV1(fields: unknown): FieldSet {
  const found = new Set<FieldPathText>();
  if (isPlainObject(fields)) collect(fields as JsonObject, [], found);
  return found;
}

function collect(object: JsonObject, steps: readonly Step[], found: Set<FieldPathText>): void {
  if (steps.length > MAX_DEPTH) return;
  const entries = Object.entries(object);
  if (entries.length === 0 && steps.length > 0) found.add(joinSteps(steps));
  for (const [key, value] of entries) {
    if (key === '.') {
      if (steps.length > 0) found.add(joinSteps(steps));
    } else if (/^[fkvi]:/.test(key) && !key.includes('\n') && isJsonObject(value)) {
      collect(value, [...steps, key], found);
    }
  }
}

/** The path as messages show it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function showPath(path: FieldPathText): string {
  return splitSteps(path).map(showStep).join('');
}

function showStep(step: Step): string {
  const text = step.slice(2);
  if (step.startsWith('f:')) return `.${text}`;
  if (step.startsWith('v:')) return `[=${text}]`;
  try {
    const keys = Object.entries(JSON.parse(text) as JsonObject);
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
  } catch {
    return `[${text}]`;
  }
}
