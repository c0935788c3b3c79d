import type { TSchema } from 'typebox';
import { type FieldPath, fieldOf } from '../field-path.ts';
import type { Json } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { type CelRule, celRule } from './cel-rule.ts';
import { celValue } from './cel-value.ts';

interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly 'x-kubernetes-validations'?: readonly unknown[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

/** The rules of a schema, and of what is below it. */
export interface CelRules {
  readonly schema: TSchema;
  readonly rules: readonly CelRule[];
  readonly fields: ReadonlyMap<string, CelRules>;
  /** Of what is in a map or a list. */
  readonly values: CelRules | undefined;
}

/** The rules in a schema, compiled; undefined where there are none. `report` gets those that are no good. */
export function celRules(schema: TSchema, field: string, report: Report): CelRules | undefined {
  const shape = schema as Shape;
  const rules: CelRule[] = [];
  for (const [index, written] of (shape['x-kubernetes-validations'] ?? []).entries()) {
    const rule = celRule(written);
    if ('error' in rule) report(`${field}.x-kubernetes-validations[${index}]`, rule.error);
    else rules.push(rule);
  }
  const fields = new Map<string, CelRules>();
  for (const [name, child] of Object.entries(shape.properties ?? {})) {
    const below = celRules(child, fieldOf([name], `${field}.properties`), report);
    if (below !== undefined) fields.set(name, below);
  }
  const [value] = [...Object.values(shape.patternProperties ?? {}), shape.items];
  const part = shape.items === undefined ? 'additionalProperties' : 'items';
  const values = value === undefined ? undefined : celRules(value, `${field}.${part}`, report);
  const none = rules.length === 0 && fields.size === 0 && values === undefined;
  return none ? undefined : { schema, rules, fields, values };
}

/** What one rule may take: about a second. */
const MOST_STEPS = 1_000_000;

/** Where a value is, and what was there before: nothing on creation, or where it cannot be told. */
interface Place {
  readonly path: FieldPath;
  readonly old: Json | undefined;
}

/**
 * Reports each rule that does not hold of `value`: those about one state, or, where `old` is given,
 * those that compare with it.
 */
export function checkCelRules(
  { rules, value, old }: { readonly rules: CelRules; readonly value: Json; readonly old?: Json },
  report: Report,
): void {
  check(rules, value, { place: { path: [], old }, onUpdate: old !== undefined, report });
}

interface Walk {
  readonly place: Place;
  readonly onUpdate: boolean;
  readonly report: Report;
}

function check({ schema, rules, fields, values }: CelRules, value: Json, walk: Walk): void {
  judge({ schema, rules }, value, walk);
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) checkItems({ schema, values }, value, walk);
  else checkFields({ fields, values }, value, walk);
}

/** Evaluates the rules of one value that are due. */
function judge(
  { schema, rules }: Pick<CelRules, 'schema' | 'rules'>,
  value: Json,
  { place, onUpdate, report }: Walk,
): void {
  const due = rules.filter(
    ({ isTransition }) => isTransition === onUpdate && (!onUpdate || place.old !== undefined),
  );
  if (due.length === 0) return;
  const self = celValue(value, schema);
  const oldSelf = onUpdate ? celValue(place.old as Json, schema) : undefined;
  const longest = longestIn(value);
  for (const rule of due) {
    const problem =
      longest ** rule.nesting > MOST_STEPS
        ? `has a list or map of ${longest}, too long for a rule that goes over it so often`
        : rule.problem(self, oldSelf);
    if (problem !== undefined) {
      report(`${fieldOf(place.path)}${rule.fieldPath ?? ''}`.replace(/^\./, ''), problem);
    }
  }
}

function checkFields(
  { fields, values }: Pick<CelRules, 'fields' | 'values'>,
  value: { readonly [key: string]: Json },
  walk: Walk,
): void {
  const { old, path } = walk.place;
  const before = typeof old === 'object' && old !== null && !Array.isArray(old) ? old : {};
  for (const [key, child] of Object.entries(value)) {
    const rules = fields.get(key) ?? values;
    const was = Object.hasOwn(before, key) ? before[key] : undefined;
    if (rules !== undefined)
      check(rules, child, { ...walk, place: { path: [...path, key], old: was } });
  }
}

function checkItems(
  { schema, values }: Pick<CelRules, 'schema' | 'values'>,
  items: readonly Json[],
  walk: Walk,
): void {
  if (values === undefined) return;
  const { old, path } = walk.place;
  const keys = (schema as Shape)['x-kubernetes-list-map-keys'];
  const before = Array.isArray(old) && keys !== undefined ? old : [];
  const known = new Map(before.map((item) => [keyOf(item, keys ?? []), item]));
  for (const [index, item] of items.entries()) {
    const was = keys === undefined ? undefined : known.get(keyOf(item, keys));
    check(values, item, { ...walk, place: { path: [...path, index], old: was } });
  }
}

/** The length of the longest list or map in a value. */
function longestIn(value: Json): number {
  if (value === null || typeof value !== 'object') return 0;
  const items = Object.values(value);
  return items.reduce<number>((most, item) => Math.max(most, longestIn(item)), items.length);
}

/** What tells an object of a list apart, as one text. */
function keyOf(item: Json, keys: readonly string[]): string {
  const fields = typeof item === 'object' && item !== null && !Array.isArray(item) ? item : {};
  return JSON.stringify(keys.map((key) => fields[key] ?? null));
}
