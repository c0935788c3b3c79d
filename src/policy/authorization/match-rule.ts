import type { Call } from './call.ts';
import type { CompiledRule, Conjunction, Predicate } from './compile-rule.ts';

/** Whether the rule matches: (one of from) and (one of to) and (all of when). */
export function matchesRule(rule: CompiledRule, call: Call): boolean {
  return (
    rule.never === undefined &&
    oneHolds(rule.from, call) &&
    oneHolds(rule.to, call) &&
    allHold(rule.when, call)
  );
}

/** Whether all predicates hold. */
export function allHold(conjunction: Conjunction, call: Call): boolean {
  for (const predicate of conjunction) if (!holds(predicate, call)) return false;
  return true;
}

/** Whether the predicate holds; negation is of the whole, so it holds where there is no value. */
export function holds(predicate: Predicate, call: Call): boolean {
  return predicate.matchesValue(call) !== predicate.negated;
}

/** Whether one of the alternatives holds; without alternatives there is no constraint. */
export function oneHolds(alternatives: readonly Conjunction[], call: Call): boolean {
  if (alternatives.length === 0) return true;
  for (const conjunction of alternatives) if (allHold(conjunction, call)) return true;
  return false;
}

/** How many predicates of a rule that does not match would have to hold for it to match. */
export function missedPredicates(rule: CompiledRule, call: Call): number {
  if (rule.never !== undefined) return Number.MAX_SAFE_INTEGER;
  return fewestMissed(rule.from, call) + fewestMissed(rule.to, call) + missedOf(rule.when, call);
}

function fewestMissed(alternatives: readonly Conjunction[], call: Call): number {
  if (alternatives.length === 0) return 0;
  return Math.min(...alternatives.map((conjunction) => missedOf(conjunction, call)));
}

function missedOf(conjunction: Conjunction, call: Call): number {
  let missed = 0;
  for (const predicate of conjunction) if (!holds(predicate, call)) missed += 1;
  return missed;
}
