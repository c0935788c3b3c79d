import type { MeshSettings } from '../mesh-settings.ts';
import { trustDomainAliases } from '../trust-domain-aliases.ts';
import type { AttachedPolicy } from './attached-policy.ts';
import {
  type CompiledRule,
  compileRule,
  neverMatching,
  type Protocol,
  type RuleAction,
} from './compile-rule.ts';
import { type CustomOutcome, customOutcome } from './custom-outcome.ts';
import type { FieldContext } from './field.ts';
import { type RuleSet, ruleSet } from './rule-set.ts';

/** The rules for calls of one protocol by the stage in which they are asked; undefined: no policy. */
export interface Stages {
  readonly custom: { readonly rules: RuleSet; readonly outcome: CustomOutcome } | undefined;
  readonly audit: RuleSet | undefined;
  readonly deny: RuleSet | undefined;
  readonly dryRunDeny: RuleSet | undefined;
  readonly allow: RuleSet | undefined;
  readonly dryRunAllow: RuleSet | undefined;
}

type Context = Omit<FieldContext, 'policyNamespace'> & { readonly protocol: Protocol };

/** Compiles the rules of `policies`, which are in order of evaluation, for calls of `protocol`. */
export function compileStages(
  policies: readonly AttachedPolicy[],
  protocol: Protocol,
  settings: MeshSettings,
): Stages {
  const { numTrustedProxies } = settings;
  const context = { protocol, aliases: trustDomainAliases(settings), numTrustedProxies };
  const rulesOf = (
    action: RuleAction,
    dryRun: boolean,
    notes: readonly string[] = [],
  ): RuleSet | undefined => {
    const chosen = policies.filter((each) => each.action === action && each.dryRun === dryRun);
    return chosen.length === 0
      ? undefined
      : ruleSet(chosen.flatMap((policy) => compilePolicy(policy, context, notes)));
  };
  const outcome = customOutcome(policies, protocol, settings);
  const custom = outcome && rulesOf('CUSTOM', false, outcome.notes);
  return {
    custom: outcome && custom && { rules: custom, outcome },
    audit: rulesOf('AUDIT', false),
    deny: rulesOf('DENY', false),
    dryRunDeny: rulesOf('DENY', true),
    allow: rulesOf('ALLOW', false),
    dryRunAllow: rulesOf('ALLOW', true),
  };
}

function compilePolicy(
  { namespace, name, action, spec }: AttachedPolicy,
  shared: Context,
  notes: readonly string[],
): CompiledRule[] {
  const context = (rule: number) => ({
    ...shared,
    reference: Object.freeze({ namespace, name, rule }),
    action,
    policyNamespace: namespace,
    notes,
  });
  const { rules = [] } = spec;
  if (rules.length > 0) return rules.map((rule, index) => compileRule(rule, context(index)));
  const reason =
    action === 'ALLOW' ? 'and therefore allows nothing' : 'and therefore never matches';
  return [neverMatching(context(0), `the policy has no rules ${reason}`)];
}
