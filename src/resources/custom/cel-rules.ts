import type { TSchema } from 'typebox';
import { type FieldPath, fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Json } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { type CelRule, celRule } from './cel-rule.ts';
import { type CelTyped, typeOfResource, typeOfSchema } from './cel-type.ts';
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

/** The rules in the schema of a resource, compiled; undefined where there are none. `report` gets those that are no good. */
export function celRules(schema: TSchema, field: string, report: Report): CelRules | undefined {
  return rulesIn(schema, { field, report, type: typeOfResource(schema), told: true });
}

interface Reading {
  readonly field: string;
  readonly report: Report;
  readonly type: CelTyped;
  /** Whether a value can be told to be the one that was there before. */
  readonly told: boolean;
}

function rulesIn(schema: TSchema, reading: Reading): CelRules | undefined {
  const { field, report } = reading;
  const shape = schema as Shape;
  const rules = ownRules(shape, reading);
  const below = (child: TSchema, at: string, told = reading.told): CelRules | undefined =>
    rulesIn(child, { field: at, report, type: typeOfSchema(child), told });
  const fields = new Map<string, CelRules>();
  for (const [name, child] of Object.entries(shape.properties ?? {})) {
    const found = below(child, fieldOf([name], `${field}.properties`));
    if (found !== undefined) fields.set(name, found);
  }
  const [value] = [...Object.values(shape.patternProperties ?? {}), shape.items];
  const part = shape.items === undefined ? 'additionalProperties' : 'items';
  const told = shape.items === undefined || shape['x-kubernetes-list-type'] === 'map';
  const values =
    value === undefined ? undefined : below(value, `${field}.${part}`, reading.told && told);
  const none = rules.length === 0 && fields.size === 0 && values === undefined;
  return none ? undefined : { schema, rules, fields, values };
}

function ownRules(shape: Shape, { field, report, type, told }: Reading): readonly CelRule[] {
  const rules: CelRule[] = [];
  for (const [index, written] of (shape['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${field}.x-kubernetes-validations[${index}]`;
    const rule = celRule(written, type);
    if ('error' in rule) report(at, rule.error);
    else if (rule.about !== 'state' && !told) {
      report(
        at,
        'uses oldSelf in a list whose items cannot be told apart; make it one of type map',
      );
    } else if (rule.fieldPath !== undefined && !leadsTo(rule.fieldPath, shape)) {
      report(at, `the fieldPath ${quote(rule.fieldPath)} leads to no field of the schema`);
    } else rules.push(rule);
  }
  return rules;
}

/** Whether `.a.b` or `['a']` is a field below a schema. */
function leadsTo(path: string, from: Shape): boolean {
  const steps = /^(?:\.[A-Za-z_][\w-]*|\['[^']*'\])+$/.test(path)
    ? [...path.matchAll(/\.([\w-]+)|\['([^']*)'\]/g)].map(([, plain, quoted]) => plain ?? quoted)
    : [undefined];
  let at: Shape | undefined = from;
  for (const step of steps) {
    if (at === undefined || step === undefined) return false;
    const { properties = {}, patternProperties = {} }: Shape = at;
    const known = Object.hasOwn(properties, step) ? properties[step] : undefined;
    at = (known ?? Object.values(patternProperties)[0]) as Shape | undefined;
  }
  return at !== undefined;
}

/** What one rule may take: about a second. */
const MOST_STEPS = 1_000_000;

/** Where a value is, and what was there before: nothing on creation, or where it cannot be told. */
interface Place {
  readonly path: FieldPath;
  readonly old: Json | undefined;
}

/** What is judged: a state for itself, or as one that comes into being, or that takes another's place. */
export type CelQuestion =
  | { readonly when: 'always' | 'created' }
  | { readonly when: 'updated'; readonly old: Json };

/** Reports each rule that does not hold of `value` and is due then. */
export function checkCelRules(
  rules: CelRules,
  { value, ...question }: { readonly value: Json } & CelQuestion,
  report: Report,
): void {
  const old = question.when === 'updated' ? question.old : undefined;
  check(rules, value, { place: { path: [], old }, when: question.when, report });
}

interface Walk {
  readonly place: Place;
  readonly when: CelQuestion['when'];
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
  { place, when, report }: Walk,
): void {
  const { old } = place;
  const due = rules.filter(({ about }) => {
    if (about === 'state') return when === 'always';
    return when === 'updated'
      ? about === 'both' || old !== undefined
      : about === 'both' && when === 'created';
  });
  if (due.length === 0) return;
  const self = celValue(value, schema);
  const oldSelf = old === undefined ? undefined : celValue(old, schema);
  const longest = longestIn(value);
  for (const rule of due) {
    const problem =
      longest ** rule.nesting > MOST_STEPS
        ? `has a list or map of ${longest}, too long for a rule that goes over it so often`
        : rule.problem(self, oldSelf);
    if (problem !== undefined) {
      const field = `${fieldOf(place.path)}${rule.fieldPath ?? ''}`.replace(/^\./, '');
      report(field, problem, rule.reason);
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
