import { type CelInput, isCelError, parse, plan } from '@bufbuild/cel';
import { messageOf } from '../../lib/errors.ts';
import { quote } from '../field-problem.ts';
import { isPlainObject } from '../json-tree.ts';
import { celEnvironment } from './cel-environment.ts';

const LONGEST_RULE = 10_240;
/** Deeper ones would take time in proportion to the cube of a list. */
const MOST_NESTED = 2;

/** A rule of `x-kubernetes-validations`. */
export interface CelRule {
  /** Whether it compares with what was there before, and holds of updates only. */
  readonly isTransition: boolean;
  /** What is wrong with `self` by this rule; undefined when it holds. */
  problem(self: CelInput, oldSelf: CelInput | undefined): string | undefined;
  /** How many lists it goes over within each other: its time is a list's length to that power. */
  readonly nesting: number;
  /** The field below, where the rule is about one: `.spec.replicas`. */
  readonly fieldPath: string | undefined;
}

/** The rule as it is written in a schema, or what is wrong with it. */
export function celRule(written: unknown): CelRule | { readonly error: string } {
  if (!isPlainObject(written) || typeof written['rule'] !== 'string') {
    return { error: 'must be an object with a rule' };
  }
  const { rule, message, messageExpression, fieldPath, optionalOldSelf } = written;
  if (rule.length > LONGEST_RULE) return { error: `has more than ${LONGEST_RULE} characters` };
  if (optionalOldSelf === true) return { error: 'optionalOldSelf is not supported' };
  const evaluate = compile(rule);
  if ('error' in evaluate) return evaluate;
  const explain = typeof messageExpression === 'string' ? compile(messageExpression) : undefined;
  if (explain !== undefined && 'error' in explain) return explain;
  const said = typeof message === 'string' ? message : `failed rule: ${rule.trim()}`;
  return {
    isTransition: /\boldSelf\b/.test(rule),
    nesting: evaluate.nesting,
    fieldPath: typeof fieldPath === 'string' ? fieldPath : undefined,
    problem: (self, oldSelf) => {
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

interface Expression {
  readonly nesting: number;
  run(variables: Readonly<Record<string, CelInput>>): unknown;
}

function compile(text: string): Expression | { readonly error: string } {
  try {
    const parsed = parse(text);
    const nesting = nestingOf(parsed);
    if (nesting > MOST_NESTED) {
      return { error: `${quote(text)} goes over lists within lists within lists; split it` };
    }
    const evaluate = plan(celEnvironment(), parsed);
    return {
      nesting,
      run: (variables) => {
        try {
          return evaluate(variables);
        } catch (error) {
          return error;
        }
      },
    };
  } catch (error) {
    return { error: `${quote(text)} is not an expression of CEL: ${messageOf(error)}` };
  }
}

/** How many of CEL's loops are within each other. */
function nestingOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  const below = Math.max(0, ...Object.values(node).map(nestingOf));
  const { case: name } = node as { readonly case?: unknown };
  return name === 'comprehensionExpr' ? below + 1 : below;
}

function reasonOf(result: unknown): string {
  return isCelError(result) || result instanceof Error ? result.message : 'it gives no yes or no';
}
