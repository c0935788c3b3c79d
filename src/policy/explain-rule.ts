import type { ConnectionFacts } from './authorize.ts';
import type { CompiledRule, Conjunction, Predicate } from './compile-rule.ts';
import { allHold, holds, oneHolds } from './match-rule.ts';
import { listed } from './quote.ts';

const LISTED_ALTERNATIVES = 4;

/**
 * The first predicate of a rule that failed, with the caller's value. Where several sources (or
 * operations) were offered and none held, the first failure of each.
 */
export function explainFailure(rule: CompiledRule, connection: ConnectionFacts): string {
  if (rule.never !== undefined) return rule.never;
  if (!oneHolds(rule.from, connection)) return failures(rule.from, connection);
  if (!oneHolds(rule.to, connection)) return failures(rule.to, connection);
  return firstFailure(rule.when, connection);
}

/** What of a rule matched, with the caller's values, and what is surprising about it. */
export function explainMatch(rule: CompiledRule, connection: ConnectionFacts): string {
  const matched = [rule.from, rule.to, [rule.when]].flatMap(
    (alternatives) => alternatives.find((each) => allHold(each, connection)) ?? [],
  );
  const facts =
    matched.length === 0
      ? 'the rule matches every TCP connection'
      : matched.map((predicate) => sentence(predicate, connection)).join(', ');
  return [facts, ...rule.notes].join('; ');
}

function failures(alternatives: readonly Conjunction[], connection: ConnectionFacts): string {
  const each = alternatives.map((conjunction) => firstFailure(conjunction, connection));
  return each.length === 1 ? each.join('') : listed([...new Set(each)], LISTED_ALTERNATIVES, '; ');
}

function firstFailure(conjunction: Conjunction, connection: ConnectionFacts): string {
  const failed = conjunction.find((predicate) => !holds(predicate, connection));
  return failed === undefined ? '' : sentence(failed, connection);
}

function sentence(predicate: Predicate, connection: ConnectionFacts): string {
  const verb = predicate.matchesValue(connection) ? 'match' : 'do not match';
  return `${predicate.text} ${verb} ${predicate.describe(connection)}`;
}
