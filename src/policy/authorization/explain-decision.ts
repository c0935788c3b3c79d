import { listed } from '../quote.ts';
import type { Call } from './call.ts';
import type { CompiledRule } from './compile-rule.ts';
import type { Stages } from './compile-stages.ts';
import type { Decision, PolicyReference } from './decision.ts';
import { explainFailure, explainMatch } from './explain-rule.ts';
import { missedPredicates } from './match-rule.ts';

/** A rule of an ALLOW policy that did not let the call in. */
export interface ConsideredRule extends PolicyReference {
  /** The first predicate that failed, with the caller's value. */
  readonly because: string;
}

/** Why a decision is what it is. */
export interface Explanation {
  /** One line of printable ASCII, for logs and headers; names policy and rule. */
  readonly text: string;
  /** Where no ALLOW rule matched: those that nearly did, nearest first. */
  readonly nearest: readonly ConsideredRule[];
}

/** So that one denial among ten thousand rules costs no more than this many of them. */
const CONSIDERED_RULES = 256;
const LISTED_RULES = 8;

export function explainDecision(stages: Stages, call: Call, decision: Decision): Explanation {
  if (decision.verdict === 'deny' && decision.reason === 'no-allow-matched') {
    return explainNoAllow(stages.allow?.rules ?? [], call);
  }
  return { text: describe(stages, call, decision), nearest: [] };
}

function describe(
  stages: Stages,
  call: Call,
  decision: Exclude<Decision, { reason: 'no-allow-matched' }>,
): string {
  const { by, verdict } = decision;
  if (by === undefined) {
    return 'allowed: no AuthorizationPolicy with action ALLOW applies to the workload';
  }
  const reference = describeReference(by);
  if (verdict === 'allow') return `${reference}: allowed`;
  const rules =
    verdict === 'ask' || decision.action === 'CUSTOM' ? stages.custom?.rules : stages.deny;
  const rule = rules?.rules.find((each) => each.reference === by);
  const because = rule === undefined ? '' : `, ${explainMatch(rule, call)}`;
  return verdict === 'ask'
    ? `${reference}: provider "${decision.provider.name}" is asked${because}`
    : `${reference}: denied${because}`;
}

/** `AuthorizationPolicy shop/reviews rule[0]`. */
function describeReference({ namespace, name, rule }: PolicyReference): string {
  return `AuthorizationPolicy ${namespace}/${name} rule[${rule}]`;
}

function explainNoAllow(rules: readonly CompiledRule[], call: Call): Explanation {
  const nearest = rules
    .slice(0, CONSIDERED_RULES)
    .map((rule) => ({ rule, missed: missedPredicates(rule, call) }))
    .sort((a, b) => a.missed - b.missed)
    .slice(0, LISTED_RULES)
    .map(({ rule }) => ({ ...rule.reference, because: explainFailure(rule, call) }));
  const texts = nearest.map((each) => `${describeReference(each)}: ${each.because}`);
  const more = rules.length - nearest.length;
  const text = `${listed(texts, LISTED_RULES, '; ')}${more > 0 ? ` and ${more} more` : ''}`;
  return { text: `denied, no ALLOW rule matches: ${text}`, nearest };
}
