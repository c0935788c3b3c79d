import type { ConnectionFacts } from './authorize.ts';
import type { CompiledRule, Conjunction, Predicate } from './compile-rule.ts';

/** Whether the rule matches: (one of from) and (one of to) and (all of when). */
export function matchesRule(rule: CompiledRule, connection: ConnectionFacts): boolean {
  return (
    rule.never === undefined &&
    oneHolds(rule.from, connection) &&
    oneHolds(rule.to, connection) &&
    allHold(rule.when, connection)
  );
}

/** Whether all predicates hold. */
export function allHold(conjunction: Conjunction, connection: ConnectionFacts): boolean {
  for (const predicate of conjunction) if (!holds(predicate, connection)) return false;
  return true;
}

/** Whether the predicate holds; negation is of the whole, so it holds where there is no value. */
export function holds(predicate: Predicate, connection: ConnectionFacts): boolean {
  return predicate.matchesValue(connection) !== predicate.negated;
}

/** Whether one of the alternatives holds; without alternatives there is no constraint. */
export function oneHolds(
  alternatives: readonly Conjunction[],
  connection: ConnectionFacts,
): boolean {
  if (alternatives.length === 0) return true;
  for (const conjunction of alternatives) if (allHold(conjunction, connection)) return true;
  return false;
}
