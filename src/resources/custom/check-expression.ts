import type { CelEnv, parse } from '@bufbuild/cel';
import { BOOL, type CelTyped, comparable, DYN, either, STRING } from './cel-type.ts';

/** An expression as it was parsed, and a part of it. */
type Parsed = NonNullable<ReturnType<typeof parse>['expr']>;
type Kind = Parsed['exprKind'];
type Call = Extract<Kind, { case: 'callExpr' }>['value'];
type Loop = Extract<Kind, { case: 'comprehensionExpr' }>['value'];

/** Types are values of CEL too. */
const TYPES = ['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'uint'];
const CONSTANTS: Readonly<Record<string, string>> = {
  ...{ nullValue: 'null_type', boolValue: 'bool', int64Value: 'int', uint64Value: 'uint' },
  ...{ doubleValue: 'double', stringValue: 'string', bytesValue: 'bytes' },
};

/** What is seen where an expression is. */
interface Scope {
  readonly env: CelEnv;
  readonly variables: ReadonlyMap<string, CelTyped>;
}

/**
 * The type of an expression, as far as it can be known before it is run.
 *
 * @throws {Error} naming the variable, field or function that there is not, or that does not go
 * together with what it is given.
 */
export function checkExpression(
  expression: Parsed | undefined,
  env: CelEnv,
  variables: Readonly<Record<string, CelTyped>>,
): CelTyped {
  return typeOf(expression, { env, variables: new Map(Object.entries(variables)) });
}

function typeOf(expression: Parsed | undefined, scope: Scope): CelTyped {
  const kind = expression?.exprKind;
  switch (kind?.case) {
    case 'constExpr':
      return { name: CONSTANTS[kind.value.constantKind.case ?? ''] ?? 'dyn' };
    case 'identExpr':
      return variable(kind.value.name, scope);
    case 'selectExpr': {
      const field = selected(typeOf(kind.value.operand, scope), kind.value.field);
      return kind.value.testOnly ? BOOL : field;
    }
    case 'callExpr':
      return called(kind.value, scope);
    case 'listExpr': {
      const [first = DYN, ...others] = kind.value.elements.map((item) => typeOf(item, scope));
      return { name: 'list', of: others.reduce(either, first) };
    }
    case 'structExpr':
      for (const { keyKind, value } of kind.value.entries) {
        if (keyKind.case === 'mapKey') typeOf(keyKind.value, scope);
        typeOf(value, scope);
      }
      if (kind.value.messageName === '') return { name: 'map', of: DYN };
      throw new Error(`there is no type "${kind.value.messageName}"`);
    case 'comprehensionExpr':
      return looped(kind.value, scope);
    default:
      return DYN;
  }
}

function variable(name: string, { variables }: Scope): CelTyped {
  const known = variables.get(name);
  if (known !== undefined) return known;
  if (TYPES.includes(name)) return { name: 'type' };
  throw new Error(`there is no variable "${name}"`);
}

function selected(type: CelTyped, field: string): CelTyped {
  if (type.name === 'dyn') return DYN;
  if (type.name !== 'map') throw new Error(`a value of type ${type.name} has no field "${field}"`);
  const known = type.fields?.get(field) ?? type.of;
  if (known !== undefined) return known;
  throw new Error(`there is no field "${field}" in the schema`);
}

/** A loop over the items of a list, or over the keys of a map. */
function looped(loop: Loop, scope: Scope): CelTyped {
  const range = typeOf(loop.iterRange, scope);
  const over = ['dyn', 'list', 'map'].includes(range.name);
  if (!over) throw new Error(`a value of type ${range.name} has no items`);
  const item = range.name === 'list' ? (range.of ?? DYN) : range.name === 'map' ? STRING : DYN;
  const start = typeOf(loop.accuInit, scope);
  // A list begins empty, and what will be in it is not known.
  const gathered = start.name === 'list' ? { name: 'list', of: DYN } : start;
  const inner = {
    env: scope.env,
    variables: new Map([...scope.variables, [loop.accuVar, gathered], [loop.iterVar, item]]),
  };
  typeOf(loop.loopCondition, inner);
  const step = typeOf(loop.loopStep, inner);
  const done = { ...inner, variables: new Map([...inner.variables, [loop.accuVar, step]]) };
  return typeOf(loop.result, done);
}

function called(call: Call, scope: Scope): CelTyped {
  const whole = qualified(call);
  if (whole !== undefined && scope.env.funcs.find(whole) !== undefined) {
    return applied({ name: whole, target: undefined, call }, scope);
  }
  const target = call.target === undefined ? undefined : typeOf(call.target, scope);
  return applied({ name: call.function, target, call }, scope);
}

/** `sets.contains`, where the target of a call is no variable but the name of a library. */
function qualified({ target, function: name }: Call): string | undefined {
  return target?.exprKind.case === 'identExpr'
    ? `${target.exprKind.value.name}.${name}`
    : undefined;
}

interface Application {
  readonly name: string;
  readonly target: CelTyped | undefined;
  readonly call: Call;
}

function applied({ name, target, call }: Application, scope: Scope): CelTyped {
  const given = call.args.map((argument) => typeOf(argument, scope));
  const special = operator(name, given) ?? optional(name, target, given);
  if (special !== undefined) return special;
  const found = [...(scope.env.funcs.find(name) ?? [])];
  if (found.length === 0) throw new Error(`there is no function "${name}"`);
  const fitting = found.filter(
    (one) =>
      (one.target === undefined) === (target === undefined) &&
      (one.target === undefined || target === undefined || fits(target, one.target.name)) &&
      one.arguments.length === given.length &&
      one.arguments.every((wanted, index) => fits(given[index] ?? DYN, wanted.name)),
  );
  const [first, ...others] = fitting.map(({ result }): CelTyped => ({ name: result.name }));
  if (first !== undefined) return others.reduce(either, first);
  const on = target === undefined ? '' : `a value of type ${target.name} and `;
  const types = given.map((type) => type.name).join(', ');
  throw new Error(`"${name}" does not take ${on}(${types})`);
}

function fits({ name }: CelTyped, wanted: string): boolean {
  return name === 'dyn' || wanted === 'dyn' || name === wanted;
}

/** The operators that are no functions of the environment, and equality, which takes all there is. */
function operator(name: string, given: readonly CelTyped[]): CelTyped | undefined {
  const [a = DYN, b = DYN, c = DYN] = given;
  switch (name) {
    case '_&&_':
    case '_||_':
      for (const one of given) requireBool(one, name);
      return BOOL;
    case '_?_:_':
      requireBool(a, name);
      return either(b, c);
    case '@not_strictly_false':
      return BOOL;
    case '_[_]':
      if (a.name === 'list' || a.name === 'map')
        return a.fields === undefined ? (a.of ?? DYN) : DYN;
      if (a.name === 'dyn') return DYN;
      throw new Error(`a value of type ${a.name} has no items`);
    case '_==_':
    case '_!=_':
      if (comparable(a, b)) return BOOL;
      throw new Error(`a value of type ${a.name} never equals one of type ${b.name}`);
    default:
      return undefined;
  }
}

function requireBool({ name }: CelTyped, where: string): void {
  if (name !== 'bool' && name !== 'dyn') throw new Error(`"${where}" does not take type ${name}`);
}

function optional(
  name: string,
  target: CelTyped | undefined,
  [given = DYN]: readonly CelTyped[],
): CelTyped | undefined {
  if (name === 'optional.of') return { name: 'optional', of: given };
  if (name === 'optional.none') return { name: 'optional', of: DYN };
  if (!['hasValue', 'value', 'orValue', 'or'].includes(name) || target === undefined) {
    return undefined;
  }
  if (target.name !== 'optional' && target.name !== 'dyn') {
    throw new Error(`a value of type ${target.name} is not optional: it has no "${name}"`);
  }
  const value = target.of ?? DYN;
  if (name === 'hasValue') return BOOL;
  if (name === 'value') return value;
  return name === 'orValue' ? either(value, given) : target;
}
