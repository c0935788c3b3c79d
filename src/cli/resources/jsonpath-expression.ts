import { MeshError } from '../../lib/errors.ts';

/** All that an expression finds, in order, in `current`; `$` is the whole. */
export type JsonPathExpression = (current: unknown, whole: unknown) => readonly unknown[];

type Step = (values: readonly unknown[], whole: unknown) => readonly unknown[];

const LONGEST = 4_096;
const NAME = /[^.[\]()=!<>&|"'\s,{}]+/y;
const COMPARE = /\s*(==|!=|<=|>=|<|>)\s*/y;

/**
 * Compiles one expression of kubectl's JSONPath: `.a.b`, `['a','b']`, `[0]`, `[-1]`, `[1:3:2]`, `[*]`,
 * `.*`, `..name`, `[?(@.a=="x")]`, with `\.` for a dot in a name.
 *
 * @throws {MeshError} ERR_USAGE quoting the expression.
 */
export function jsonPathExpression(text: string): JsonPathExpression {
  if (text.length > LONGEST) throw refusal(text, `it is longer than ${LONGEST} characters`);
  const reading = new Reading(text);
  const expression = readPath(reading);
  if (!reading.atEnd)
    throw refusal(text, `what stands at "${reading.rest.slice(0, 20)}" is not understood`);
  return expression;
}

class Reading {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  get rest(): string {
    return this.text.slice(this.at);
  }

  take(sign: string): boolean {
    if (!this.text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    return true;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found[1] ?? found[0];
  }

  expect(sign: string): void {
    if (!this.take(sign))
      throw refusal(this.text, `"${sign}" is missing at "${this.rest.slice(0, 20)}"`);
  }
}

function readPath(reading: Reading): JsonPathExpression {
  const fromWhole = reading.take('$');
  if (!fromWhole) reading.take('@');
  // `{spec.host}` is what people write who are used to `{.spec.host}`.
  const bare = /[A-Za-z_]/.test(reading.text[reading.at] ?? '');
  const steps: Step[] = bare ? [key(readName(reading))] : [];
  for (let step = readStep(reading); step !== undefined; step = readStep(reading)) {
    steps.push(step);
  }
  return (current, whole) =>
    steps.reduce<readonly unknown[]>(
      (values, step) => step(values, whole),
      [fromWhole ? whole : current],
    );
}

function readStep(reading: Reading): Step | undefined {
  if (reading.take('..')) return recursive(readName(reading));
  if (reading.take('[')) return readBrackets(reading);
  if (!reading.take('.')) return undefined;
  if (reading.take('*')) return every;
  const next = reading.text[reading.at];
  // `.` alone is the object itself, and `.[0]` is `[0]`.
  return next === undefined || !/[\w\\$-]/u.test(next) ? itself : key(readName(reading));
}

const itself: Step = (values) => values;

function readName(reading: Reading): string {
  let name = '';
  while (!reading.atEnd) {
    if (reading.take('\\')) {
      name += reading.text[reading.at] ?? '';
      reading.at += 1;
      continue;
    }
    const part = reading.match(/[^\\.[\]()=!<>&|"'\s,{}]+/y);
    if (part === undefined) break;
    name += part;
  }
  if (name === '') throw refusal(reading.text, 'a name is missing');
  return name;
}

function readBrackets(reading: Reading): Step {
  if (reading.take('?(')) {
    const step = readFilter(reading);
    reading.expect(')');
    reading.expect(']');
    return step;
  }
  if (reading.take('*')) {
    reading.expect(']');
    return every;
  }
  const parts: Step[] = [];
  do parts.push(readBracketPart(reading));
  while (reading.take(','));
  reading.expect(']');
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return (values, whole) => parts.flatMap((part) => part(values, whole));
}

function readBracketPart(reading: Reading): Step {
  const quoted = readQuoted(reading);
  if (quoted !== undefined) return key(quoted);
  const from = reading.match(/-?\d{1,9}/y);
  if (!reading.take(':')) {
    if (from === undefined)
      throw refusal(reading.text, 'the brackets hold neither a number nor a quoted name');
    return index(Number(from));
  }
  const to = reading.match(/-?\d{1,9}/y);
  const stride = reading.take(':') ? Number(reading.match(/\d{1,9}/y) ?? 1) : 1;
  if (stride < 1) throw refusal(reading.text, 'a step must be at least 1');
  return slice({ from: Number(from ?? 0), to: to === undefined ? undefined : Number(to), stride });
}

function readQuoted(reading: Reading): string | undefined {
  const text = reading.match(/'((?:[^'\\]|\\.)*)'/y) ?? reading.match(/"((?:[^"\\]|\\.)*)"/y);
  return text?.replaceAll(/\\(.)/g, '$1');
}

function readFilter(reading: Reading): Step {
  const left = readOperand(reading);
  const sign = reading.match(COMPARE);
  const right = sign === undefined ? undefined : readOperand(reading);
  const holds = (item: unknown, whole: unknown): boolean => {
    const found = left(item, whole);
    if (sign === undefined || right === undefined) return found.length > 0;
    return found.length > 0 && compares(found[0], sign, right(item, whole)[0]);
  };
  return (values, whole) =>
    values.flatMap((value) =>
      Array.isArray(value) ? value.filter((item) => holds(item, whole)) : [],
    );
}

function readOperand(reading: Reading): JsonPathExpression {
  reading.match(/\s*/y);
  const quoted = readQuoted(reading);
  if (quoted !== undefined) return () => [quoted];
  const start = reading.text[reading.at];
  if (start === '@' || start === '$' || start === '.') return readPath(reading);
  const word = reading.match(NAME);
  if (word === undefined) throw refusal(reading.text, 'a filter compares with nothing');
  if (word === 'true' || word === 'false') return () => [word === 'true'];
  const number = Number(word);
  if (Number.isNaN(number)) throw refusal(reading.text, `"${word}" must stand in quotes`);
  return () => [number];
}

function compares(left: unknown, sign: string, right: unknown): boolean {
  const [a, b] = typeof left === typeof right ? [left, right] : [String(left), String(right)];
  switch (sign) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return (a as number) < (b as number);
    case '<=':
      return (a as number) <= (b as number);
    case '>':
      return (a as number) > (b as number);
    default:
      return (a as number) >= (b as number);
  }
}

function key(name: string): Step {
  return (values) =>
    values.flatMap((value) => {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
      return [(value as Readonly<Record<string, unknown>>)[name]];
    });
}

function index(at: number): Step {
  return (values) =>
    values.flatMap((value) => {
      const found: unknown = Array.isArray(value) ? value.at(at) : undefined;
      return found === undefined ? [] : [found];
    });
}

function slice({
  from,
  to,
  stride,
}: {
  readonly from: number;
  readonly to: number | undefined;
  readonly stride: number;
}): Step {
  return (values) =>
    values.flatMap((value) =>
      Array.isArray(value) ? value.slice(from, to).filter((_, at) => at % stride === 0) : [],
    );
}

const every: Step = (values) =>
  values.flatMap((value) =>
    typeof value === 'object' && value !== null ? Object.values(value) : [],
  );

/** Everything of that name, at any depth. */
function recursive(name: string): Step {
  const search = (value: unknown): readonly unknown[] => {
    if (typeof value !== 'object' || value === null) return [];
    const own = Object.hasOwn(value, name) ? key(name)([value], value) : [];
    return [...own, ...Object.values(value).flatMap(search)];
  };
  return (values) => values.flatMap(search);
}

function refusal(text: string, why: string): MeshError {
  return new MeshError('ERR_USAGE', `the JSONPath "${text.slice(0, 200)}" cannot be read: ${why}`);
}
