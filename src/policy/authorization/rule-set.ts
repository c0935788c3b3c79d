import type { Call } from './call.ts';
import type { CompiledRule } from './compile-rule.ts';
import { RuleIndex } from './rule-index.ts';

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
  const index = new RuleIndex(rules);
  return { rules, first: (call) => index.first(call), all: (call) => index.all(call) };
}
