import { listed } from '../quote.ts';
import type { Call } from './call.ts';
import { type CompiledRule, type Conjunction, callsOf, type Predicate } from './compile-rule.ts';
import { allHold, holds, oneHolds } from './match-rule.ts';

const LISTED_ALTERNATIVES = 4;

/**
 * The first predicate of a rule that failed, with the caller's value. Where several sources (or
 * operations) were offered and none held, the first failure of each.
 */
export function explainFailure(rule: CompiledRule, call: Call): string {
  if (rule.never !== undefined) return rule.never;
  if (!oneHolds(rule.from, call)) return failures(rule.from, call);
  if (!oneHolds(rule.to, call)) return failures(rule.to, call);
  return firstFailure(rule.when, call);
}

/** What of a rule matched, with the caller's values, and what is surprising about it. */
export function explainMatch(rule: CompiledRule, call: Call): string {
  const matched = [rule.from, rule.to, [rule.when]].flatMap(
    (alternatives) => alternatives.find((each) => allHold(each, call)) ?? [],
  );
  const facts =
    matched.length === 0
      ? `the rule matches every ${callsOf(rule.protocol)}`
      : matched.map((predicate) => sentence(predicate, call)).join(', ');
  return [facts, ...rule.notes].join('; ');
}

function failures(alternatives: readonly Conjunction[], call: Call): string {
  const each = alternatives.map((conjunction) => firstFailure(conjunction, call));
  return each.length === 1 ? each.join('') : listed([...new Set(each)], LISTED_ALTERNATIVES, '; ');
}

function firstFailure(conjunction: Conjunction, call: Call): string {
  const failed = conjunction.find((predicate) => !holds(predicate, call));
  return failed === undefined ? '' : sentence(failed, call);
}

function sentence(predicate: Predicate, call: Call): string {
  const verb = predicate.matchesValue(call) ? 'match' : 'do not match';
  return `${predicate.text} ${verb} ${predicate.describe(call)}`;
}
