import type { TrustDomainAliases } from '../trust-domain-aliases.ts';
import type { Call } from './call.ts';
import type { PredicateIndex } from './term.ts';

/** A question about a call, compiled once and asked for each. */
export type CallMatch = (call: Call) => boolean;

/** What the meaning of a value depends on besides the value. */
export interface FieldContext {
  readonly policyNamespace: string;
  readonly aliases: TrustDomainAliases;
  /** How many proxies before the peer are trusted to have told the client's address. */
  readonly numTrustedProxies: number;
}

/** Something that policies ask of a call, with istio-semantics 3.5's meaning of values. */
export interface Field {
  /** Matches any of `values`, which are all valid. */
  readonly matchAny: (values: readonly string[], context: FieldContext) => CallMatch;
  /** Absent: every text is a valid value. */
  readonly isValid?: (value: string) => boolean;
  /**
   * How calls find the predicate that asks for any of `values`. Undefined, or absent: they do not,
   * because some value cannot be found by a text.
   */
  readonly index?: (values: readonly string[], context: FieldContext) => PredicateIndex | undefined;
  /** The call's own value, for people. */
  readonly describe: (call: Call, context: FieldContext) => string;
  /**
   * `only`: a TCP connection does not have it. `more`: HTTP says more about it than TCP. Absent: it
   * is the same for both.
   */
  readonly http?: 'only' | 'more';
}
