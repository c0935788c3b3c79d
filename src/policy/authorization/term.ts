import type { Call } from './call.ts';

/** What a text must be, begin or end with, or only that it is there. */
export interface Term {
  readonly form: 'exact' | 'prefix' | 'suffix' | 'present';
  readonly text: string;
}

/** How calls are led to a predicate by their own texts, so that not every rule must be asked. */
export interface PredicateIndex {
  /** What the texts are of; predicates with the same dimension have the same `texts`. */
  readonly dimension: string;
  /** Of which one fits one of the texts, wherever a value of the predicate matches. */
  readonly terms: readonly Term[];
  readonly texts: TextsOf;
}

/** The texts of a call in one dimension; undefined where it has none. */
export type TextsOf = (call: Call) => string | readonly string[] | undefined;

/** The term of a value with wildcards (istio-semantics 3.5). */
export function wildcardTerm(value: string): Term {
  if (value === '*') return { form: 'present', text: '' };
  if (value.startsWith('*')) return { form: 'suffix', text: value.slice(1) };
  if (value.endsWith('*')) return { form: 'prefix', text: value.slice(0, -1) };
  return { form: 'exact', text: value };
}
