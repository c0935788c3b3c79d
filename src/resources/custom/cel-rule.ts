import { type CelInput, isCelError, parse, plan } from '@bufbuild/cel';
import { messageOf } from '../../lib/errors.ts';
import { type ProblemReason, quote } from '../field-problem.ts';
import { isPlainObject } from '../json-tree.ts';
import { celEnvironment } from './cel-environment.ts';
import { NONE, some } from './cel-optional.ts';
import type { CelTyped } from './cel-type.ts';
import { checkExpression } from './check-expression.ts';
import { withOptionalMacros } from './optional-macros.ts';

const LONGEST_RULE = 10_240;
/** Deeper ones would take time in proportion to the cube of a list. */
const MOST_NESTED = 2;
const KNOWN = ['rule', 'message', 'messageExpression', 'reason', 'fieldPath', 'optionalOldSelf'];
const REASONS: Readonly<Record<string, ProblemReason | undefined>> = {
  FieldValueInvalid: undefined,
  FieldValueForbidden: 'forbidden',
  FieldValueRequired: 'required',
  FieldValueDuplicate: 'duplicate',
};

/** A rule of `x-kubernetes-validations`. */
export interface CelRule {
  /** `state` is about one value, `transition` compares with what was there before, `both` where there was something. */
  readonly about: 'state' | 'transition' | 'both';
  /** What is wrong with `self` by this rule; undefined when it holds. */
  problem(self: CelInput, oldSelf: CelInput | undefined): string | undefined;
  /** How many lists it goes over within each other: its time is a list's length to that power. */
  readonly nesting: number;
  /** The field below, where the rule is about one: `.spec.replicas`. */
  readonly fieldPath: string | undefined;
  /** What sort of wrong it is, where the rule says more than that it is. */
  readonly reason: ProblemReason | undefined;
}

/** The rule as it is written in a schema of values of that type, or what is wrong with it. */
export function celRule(written: unknown, type: CelTyped): CelRule | { readonly error: string } {
  if (!isPlainObject(written) || typeof written['rule'] !== 'string') {
    return { error: 'must be an object with a rule' };
  }
  const { rule, message, messageExpression, fieldPath } = written;
  const wrong = formProblem(written);
  if (wrong !== undefined) return { error: wrong };
  const optional = written['optionalOldSelf'] === true;
  const types = { self: type, oldSelf: optional ? { name: 'optional', of: type } : type };
  const evaluate = compile(rule, { types, wanted: 'bool' });
  if ('error' in evaluate) return evaluate;
  const explain =
    typeof messageExpression === 'string'
      ? compile(messageExpression, { types, wanted: 'string' })
      : undefined;
  if (explain !== undefined && 'error' in explain) return explain;
  const compares = evaluate.names.has('oldSelf');
  const said = typeof message === 'string' ? message : `failed rule: ${rule.trim()}`;
  return {
    about: optional ? 'both' : compares ? 'transition' : 'state',
    nesting: evaluate.nesting,
    fieldPath: typeof fieldPath === 'string' ? fieldPath : undefined,
    reason: REASONS[String(written['reason'] ?? 'FieldValueInvalid')],
    problem: (self, before) => {
      const oldSelf = optional ? maybe(before) : before;
      const variables = oldSelf === undefined ? { self } : { self, oldSelf };
      const result = evaluate.run(variables);
      if (result === true) return undefined;
      if (result !== false)
        return `rule ${quote(rule)} could not be evaluated: ${reasonOf(result)}`;
      const told = explain?.run(variables);
      return typeof told === 'string' && told.trim() !== '' ? told : said;
    },
  };
}

function maybe(value: CelInput | undefined): CelInput {
  return value === undefined ? NONE : some(value);
}

/** What is wrong with what is written beside the expressions. */
function formProblem(written: Readonly<Record<string, unknown>>): string | undefined {
  const unknown = Object.keys(written).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) return `has the unknown field ${quote(unknown)}`;
  const { rule, message, reason, optionalOldSelf } = written;
  if (String(rule).length > LONGEST_RULE) return `has more than ${LONGEST_RULE} characters`;
  for (const key of ['message', 'messageExpression', 'fieldPath']) {
    if (written[key] !== undefined && typeof written[key] !== 'string') return `${key} is no text`;
  }
  if (typeof message === 'string' && /[\r\n]/.test(message)) return 'the message has a line break';
  if (String(rule).trim().includes('\n') && message === undefined) {
    return 'a rule of several lines needs a message';
  }
  if (reason !== undefined && !Object.hasOwn(REASONS, String(reason))) {
    return `the reason ${quote(String(reason))} is not one of ${Object.keys(REASONS).join(', ')}`;
  }
  if (optionalOldSelf !== undefined && typeof optionalOldSelf !== 'boolean') {
    return 'optionalOldSelf is neither true nor false';
  }
  return undefined;
}

interface Expression {
  readonly nesting: number;
  /** The variables in it. */
  readonly names: ReadonlySet<string>;
  run(variables: Readonly<Record<string, CelInput>>): unknown;
}

function compile(
  text: string,
  {
    types,
    wanted,
  }: { readonly types: Readonly<Record<string, CelTyped>>; readonly wanted: string },
): Expression | { readonly error: string } {
  try {
    const { expr } = parse(text);
    if (expr === undefined) return { error: `${quote(text)} is empty` };
    const spelled = withOptionalMacros(expr);
    const nesting = nestingOf(spelled);
    if (nesting > MOST_NESTED) {
      return { error: `${quote(text)} goes over lists within lists within lists; split it` };
    }
    const result = checkExpression(spelled, celEnvironment(), types).name;
    if (result !== wanted && result !== 'dyn') {
      return { error: `${quote(text)} must give a ${wanted} and gives a ${result}` };
    }
    const evaluate = plan(celEnvironment(), spelled);
    return {
      nesting,
      names: namesIn(spelled),
      run: (variables) => {
        try {
          return evaluate(variables);
        } catch (error) {
          return error;
        }
      },
    };
  } catch (error) {
    return { error: `${quote(text)} is not an expression of CEL here: ${messageOf(error)}` };
  }
}

/** How many of CEL's loops are within each other. */
function nestingOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  const below = Math.max(0, ...Object.values(node).map(nestingOf));
  const { case: name } = node as { readonly case?: unknown };
  return name === 'comprehensionExpr' ? below + 1 : below;
}

function namesIn(node: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (typeof node !== 'object' || node === null) return found;
  const { case: kind, value } = node as { readonly case?: unknown; readonly value?: unknown };
  if (kind === 'identExpr') found.add(String((value as { readonly name?: unknown }).name));
  for (const below of Object.values(node)) namesIn(below, found);
  return found;
}

function reasonOf(result: unknown): string {
  return isCelError(result) || result instanceof Error ? result.message : 'it gives no yes or no';
}
