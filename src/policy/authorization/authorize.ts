import type { Call } from './call.ts';
import type { Stages } from './compile-stages.ts';
import type { Decision, Observed, ShadowResult } from './decision.ts';
import type { RuleSet } from './rule-set.ts';

/** Whether the provider of CUSTOM policies has been asked already, and did not refuse. */
export type CustomPhase = 'pending' | 'answered';

const NONE: readonly never[] = Object.freeze([]);
const NOTHING_OBSERVED: Observed = Object.freeze({ audited: NONE, shadow: NONE });
const ALLOWED_BY_DEFAULT: Decision = Object.freeze({
  verdict: 'allow',
  by: undefined,
  ...NOTHING_OBSERVED,
});
const NO_ALLOW_MATCHED: Decision = Object.freeze({
  verdict: 'deny',
  reason: 'no-allow-matched',
  ...NOTHING_OBSERVED,
});

/**
 * Whether `call` may reach the workload that `stages` were compiled for (istio-semantics 3.2):
 * CUSTOM, AUDIT, DENY, ALLOW. The same stages and call give the same decision.
 */
export function authorize(stages: Stages, call: Call, phase: CustomPhase): Decision {
  const { audit, deny, allow, dryRunDeny, dryRunAllow } = stages;
  const custom = phase === 'pending' ? customDecision(stages, call) : undefined;
  if (custom !== undefined) return custom;

  let observed = NOTHING_OBSERVED;
  if (audit !== undefined) observed = { ...observed, audited: allMatches(audit, call) };
  if (dryRunDeny !== undefined) observed = withShadow(observed, 'DENY', dryRunDeny, call);
  const denying = deny?.first(call);
  if (denying !== undefined) {
    const by = denying.reference;
    return { verdict: 'deny', reason: 'denied-by-policy', action: 'DENY', by, ...observed };
  }
  if (dryRunAllow !== undefined) observed = withShadow(observed, 'ALLOW', dryRunAllow, call);
  if (allow === undefined) return observing(ALLOWED_BY_DEFAULT, observed);
  return observing(allow.first(call)?.allowed ?? NO_ALLOW_MATCHED, observed);
}

function customDecision({ custom }: Stages, call: Call): Decision | undefined {
  const by = custom?.rules.first(call)?.reference;
  if (custom === undefined || by === undefined) return undefined;
  const { provider } = custom.outcome;
  return provider === undefined
    ? { verdict: 'deny', reason: 'denied-by-policy', action: 'CUSTOM', by, ...NOTHING_OBSERVED }
    : { verdict: 'ask', provider, by, ...NOTHING_OBSERVED };
}

function allMatches(rules: RuleSet, call: Call): Observed['audited'] {
  return rules.all(call).map(({ reference }) => reference);
}

function withShadow(
  observed: Observed,
  action: ShadowResult['action'],
  rules: RuleSet,
  call: Call,
): Observed {
  const by = rules.first(call)?.reference;
  const verdict = (by === undefined) === (action === 'ALLOW') ? 'deny' : 'allow';
  return { ...observed, shadow: [...observed.shadow, { action, verdict, by }] };
}

function observing(ready: Decision, observed: Observed): Decision {
  return observed === NOTHING_OBSERVED ? ready : { ...ready, ...observed };
}
