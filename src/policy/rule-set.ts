import type { Call } from './call.ts';
import type { CompiledRule } from './compile-rule.ts';
import { matchesRule } from './match-rule.ts';

/** The rules of one stage, to be asked together. */
export interface RuleSet {
  /** In order of evaluation. */
  readonly rules: readonly CompiledRule[];
  /** The first rule that matches. */
  readonly first: (call: Call) => CompiledRule | undefined;
  /** Every rule that matches, in order. */
  readonly all: (call: Call) => readonly CompiledRule[];
}

export function ruleSet(rules: readonly CompiledRule[]): RuleSet {
  return {
    rules,
    first: (call) => rules.find((rule) => matchesRule(rule, call)),
    all: (call) => rules.filter((rule) => matchesRule(rule, call)),
  };
}
