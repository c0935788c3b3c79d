import type { CompiledRule, Conjunction } from './compile-rule.ts';
import type { PredicateIndex } from './term.ts';

/**
 * Predicates of which one holds wherever the rule matches, by which the rule can therefore be found:
 * one of each alternative, any of those listed for it.
 */
export type Cover = readonly (readonly PredicateIndex[])[];

/** Every cover of a rule: its sources, its operations, and each of its conditions. */
export function coversOf({ from, to, when }: CompiledRule): readonly Cover[] {
  const covers: Cover[] = when.map((predicate) => [indexesOf([predicate])]);
  if (from.length > 0) covers.push(from.map(indexesOf));
  if (to.length > 0) covers.push(to.map(indexesOf));
  return covers.filter((cover) => cover.every((choices) => choices.length > 0));
}

function indexesOf(conjunction: Conjunction): readonly PredicateIndex[] {
  return conjunction.map(({ index }) => index).filter((index) => index !== undefined);
}
