import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import { type CompiledRule, compileRule, neverMatching, type RuleAction } from './compile-rule.ts';
import { selects } from './label-selector.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { compareText } from './oldest-first.ts';
import { quote } from './quote.ts';
import { type TrustDomainAliases, trustDomainAliases } from './trust-domain-aliases.ts';
import type { Workload } from './workload.ts';

/** A policy that is attached to the workload. */
interface AttachedPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly action: RuleAction;
  readonly dryRun: boolean;
}

/** The compiled rules by the stage in which they are asked; undefined: no such policy at all. */
interface AuthorizationStages {
  readonly custom: readonly CompiledRule[];
  readonly audit: readonly CompiledRule[];
  readonly deny: readonly CompiledRule[];
  readonly dryRunDeny: readonly CompiledRule[] | undefined;
  readonly allow: readonly CompiledRule[] | undefined;
  readonly dryRunAllow: readonly CompiledRule[] | undefined;
}

/** The authorization policies of one workload, compiled; what `authorize` is asked with. */
export interface AuthorizationSet {
  /** In order of evaluation: by action, then namespace and name. */
  readonly policies: readonly AttachedPolicy[];
  readonly stages: AuthorizationStages;
}

const STAGE_ORDER: readonly RuleAction[] = ['CUSTOM', 'AUDIT', 'DENY', 'ALLOW'];
const DRY_RUN = 'istio.io/dry-run';
const TRUE_WORDS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

interface Candidate extends AttachedPolicy {
  readonly spec: AuthorizationPolicy['spec'];
}

/**
 * Picks the policies that are attached to `workload` (istio-semantics 3.1) and compiles them for TCP
 * connections. Done once per change; nothing is parsed when a connection comes.
 */
export function compileAuthorization(
  policies: readonly AuthorizationPolicy[],
  workload: Workload,
  settings: MeshSettings,
): AuthorizationSet {
  const aliases = trustDomainAliases(settings);
  const attached = policies
    .filter((policy) => isAttached(policy, workload, settings.rootNamespace))
    .map(candidateOf)
    .sort(inEvaluationOrder);
  const rulesOf = (action: RuleAction, dryRun: boolean): readonly CompiledRule[] | undefined => {
    const chosen = attached.filter((each) => each.action === action && each.dryRun === dryRun);
    return chosen.length === 0
      ? undefined
      : chosen.flatMap((policy) => compilePolicy(policy, aliases));
  };
  return Object.freeze({
    policies: attached.map(({ namespace, name, action, dryRun }) => ({
      namespace,
      name,
      action,
      dryRun,
    })),
    stages: {
      custom: rulesOf('CUSTOM', false) ?? [],
      audit: rulesOf('AUDIT', false) ?? [],
      deny: rulesOf('DENY', false) ?? [],
      dryRunDeny: rulesOf('DENY', true),
      allow: rulesOf('ALLOW', false),
      dryRunAllow: rulesOf('ALLOW', true),
    },
  });
}

function isAttached(
  { metadata, spec }: AuthorizationPolicy,
  workload: Workload,
  rootNamespace: string,
): boolean {
  if (metadata.namespace !== workload.namespace && metadata.namespace !== rootNamespace) {
    return false;
  }
  // a policy with a target is for gateways and waypoints, never for a workload's own proxy
  if (spec.targetRef !== undefined || (spec.targetRefs?.length ?? 0) > 0) return false;
  return selects(spec.selector?.matchLabels, workload.labels);
}

function candidateOf({ metadata, spec }: AuthorizationPolicy): Candidate {
  const { namespace = '', name, annotations } = metadata;
  const dryRun = TRUE_WORDS.has(annotations?.[DRY_RUN] ?? '');
  return { namespace, name, action: spec.action ?? 'ALLOW', dryRun, spec };
}

function inEvaluationOrder(a: AttachedPolicy, b: AttachedPolicy): number {
  return (
    STAGE_ORDER.indexOf(a.action) - STAGE_ORDER.indexOf(b.action) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name)
  );
}

function compilePolicy(
  { namespace, name, action, spec }: Candidate,
  aliases: TrustDomainAliases,
): CompiledRule[] {
  const context = (rule: number) => ({
    reference: Object.freeze({ namespace, name, rule }),
    action,
    policyNamespace: namespace,
    aliases,
    notes: action === 'CUSTOM' ? [missingProvider(spec.provider?.name ?? '')] : [],
  });
  const { rules = [] } = spec;
  if (rules.length > 0) return rules.map((rule, index) => compileRule(rule, context(index)));
  const reason =
    action === 'ALLOW' ? 'and therefore allows nothing' : 'and therefore never matches';
  return [neverMatching(context(0), `the policy has no rules ${reason}`)];
}

/** istio-semantics 3.11: what an undefined provider would have been asked about is denied. */
function missingProvider(name: string): string {
  return `the policy has action CUSTOM and its provider ${quote(name)} is not defined, so what it matches is denied`;
}
