import type { Call } from './call.ts';
import type { CompiledRule } from './compile-rule.ts';
import type { Stages } from './compile-stages.ts';
import type { Decision } from './decision.ts';
import { explainFailure, explainMatch } from './explain-rule.ts';
import { matchesRule } from './match-rule.ts';
import type { RuleSet } from './rule-set.ts';

/** One rule that was asked on the way to a decision. */
export interface TraceStep {
  readonly stage: 'CUSTOM' | 'AUDIT' | 'DENY' | 'ALLOW';
  /** Whether the policy is a dry run, which decides nothing. */
  readonly dryRun: boolean;
  /** `namespace/name`. */
  readonly policy: string;
  readonly rule: number;
  readonly matched: boolean;
  readonly because: string;
}

/** What was asked, in order, and how many rules are left out because they are too many. */
export interface Trace {
  readonly steps: readonly TraceStep[];
  readonly leftOut: number;
}

const MOST_STEPS = 1_000;

/** Every rule that counted for `decision` on `call`: those of the stages before it, and its own stage. */
export function traceDecision(stages: Stages, call: Call, decision: Decision): Trace {
  const steps = stagesUntil(stages, decision).flatMap(({ stage, dryRun = false, rules }) =>
    (rules?.rules ?? []).map((rule) => ({ stage, dryRun, rule })),
  );
  const shown = steps.slice(0, MOST_STEPS).map((step) => stepOf(step, call));
  return { steps: shown, leftOut: steps.length - shown.length };
}

interface Stage {
  readonly stage: TraceStep['stage'];
  readonly dryRun?: true;
  readonly rules: RuleSet | undefined;
}

/** Those that were asked, the deciding one last. */
function stagesUntil(stages: Stages, decision: Decision): readonly Stage[] {
  const custom: Stage = { stage: 'CUSTOM', rules: stages.custom?.rules };
  if (isCustom(decision)) return [custom];
  const denying: readonly Stage[] = [
    custom,
    { stage: 'AUDIT', rules: stages.audit },
    { stage: 'DENY', dryRun: true, rules: stages.dryRunDeny },
    { stage: 'DENY', rules: stages.deny },
  ];
  if (decision.verdict === 'deny' && decision.reason === 'denied-by-policy') return denying;
  return [
    ...denying,
    { stage: 'ALLOW', dryRun: true, rules: stages.dryRunAllow },
    { stage: 'ALLOW', rules: stages.allow },
  ];
}

function isCustom(decision: Decision): boolean {
  return (
    decision.verdict === 'ask' ||
    (decision.verdict === 'deny' &&
      decision.reason === 'denied-by-policy' &&
      decision.action === 'CUSTOM')
  );
}

function stepOf(
  {
    stage,
    dryRun,
    rule,
  }: Omit<Stage, 'rules' | 'dryRun'> & { dryRun: boolean; rule: CompiledRule },
  call: Call,
): TraceStep {
  const { namespace, name, rule: number } = rule.reference;
  const matched = matchesRule(rule, call);
  return {
    stage,
    dryRun,
    policy: `${namespace}/${name}`,
    rule: number,
    matched,
    because: matched ? explainMatch(rule, call) : explainFailure(rule, call),
  };
}
