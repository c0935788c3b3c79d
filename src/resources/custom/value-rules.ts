import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isPlainObject } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { compileRe2 } from './re2-pattern.ts';
import { isOfFormat } from './string-formats.ts';

type Written = Readonly<Record<string, unknown>>;

const NUMBERS = [
  'minimum',
  'maximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
];

/**
 * The part of a schema that says nothing of its form: bounds, patterns, formats, and combinations of
 * such parts. Where a part is no good, `report` is told and it is left out.
 */
export function valueRules(written: Written, field: string, report: Report): Written {
  const made: Record<string, unknown> = {};
  for (const keyword of NUMBERS) {
    const bound = written[keyword];
    if (bound === undefined) continue;
    if (typeof bound === 'number') made[keyword] = bound;
    else report(`${field}.${keyword}`, 'must be a number');
  }
  addExclusive(made, written);
  addTexts(made, written, field, report);
  addRequired(made, written, field, report);
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = written[keyword];
    if (parts === undefined) continue;
    if (Array.isArray(parts) && parts.length > 0) {
      made[keyword] = parts.map((part: unknown, index) =>
        nestedRules(part, fieldOf([index], `${field}.${keyword}`), report),
      );
    } else report(`${field}.${keyword}`, 'must be a list of schemas');
  }
  if (written['not'] !== undefined)
    made['not'] = nestedRules(written['not'], `${field}.not`, report);
  if (written['uniqueItems'] === true) {
    report(`${field}.uniqueItems`, 'is not allowed; use x-kubernetes-list-type set');
  }
  return made;
}

/** A schema within a combination: fields and items are named only to bound their values. */
function nestedRules(written: unknown, field: string, report: Report): Written {
  if (!isPlainObject(written)) {
    report(field, 'must be an object');
    return {};
  }
  const made: Record<string, unknown> = { ...valueRules(written, field, report) };
  const { type, properties, items, enum: words } = written;
  if (words !== undefined) made['enum'] = words;
  if (typeof type === 'string') made['type'] = type;
  if (isPlainObject(properties)) {
    made['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [
        name,
        nestedRules(child, fieldOf([name], `${field}.properties`), report),
      ]),
    );
  }
  if (items !== undefined) made['items'] = nestedRules(items, `${field}.items`, report);
  return made;
}

/** In OpenAPI 3.0 these are flags beside the bounds. */
function addExclusive(made: Record<string, unknown>, written: Written): void {
  for (const [flag, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (written[flag] !== true || typeof made[bound] !== 'number') continue;
    made[flag] = made[bound];
    delete made[bound];
  }
}

function addTexts(
  made: Record<string, unknown>,
  written: Written,
  field: string,
  report: Report,
): void {
  const { pattern, format } = written;
  const checks: ((text: string) => string | undefined)[] = [];
  if (typeof pattern === 'string') {
    const compiled = compileRe2(pattern);
    if ('problem' in compiled) report(`${field}.pattern`, compiled.problem);
    else {
      made['pattern'] = pattern;
      checks.push((text) =>
        compiled.test(text) ? undefined : `${quote(text)} does not match ${quote(pattern)}`,
      );
    }
  }
  if (typeof format === 'string') {
    made['format'] = format;
    checks.push((text) =>
      isOfFormat(text, format) ? undefined : `${quote(text)} is not of the format ${format}`,
    );
  }
  if (checks.length > 0) {
    made['x-hauberk-check'] = (text: string) =>
      checks.map((check) => check(text)).find((problem) => problem !== undefined);
  }
}

function addRequired(
  made: Record<string, unknown>,
  { required }: Written,
  field: string,
  report: Report,
): void {
  if (required === undefined) return;
  const names = Array.isArray(required) && required.every((name) => typeof name === 'string');
  if (names) made['required'] = [...new Set(required as string[])];
  else report(`${field}.required`, 'must be a list of names');
}
