import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { selects } from '../label-selector.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { compareText } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';
import type { RuleAction } from './compile-rule.ts';

/** A policy that is attached to a workload. */
export interface AttachedPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly action: RuleAction;
  readonly dryRun: boolean;
  readonly spec: AuthorizationPolicy['spec'];
}

const STAGE_ORDER: readonly RuleAction[] = ['CUSTOM', 'AUDIT', 'DENY', 'ALLOW'];
const DRY_RUN = 'istio.io/dry-run';
const TRUE_WORDS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

/**
 * The policies that are attached to `workload` (istio-semantics 3.1), in order of evaluation: by
 * action, then namespace and name.
 */
export function attachedPolicies(
  policies: readonly AuthorizationPolicy[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  { rootNamespace }: Pick<MeshSettings, 'rootNamespace'>,
): readonly AttachedPolicy[] {
  return policies
    .filter((policy) => isAttached(policy, workload, rootNamespace))
    .map(attached)
    .sort(inEvaluationOrder);
}

function isAttached(
  { metadata, spec }: AuthorizationPolicy,
  workload: Pick<Workload, 'namespace' | 'labels'>,
  rootNamespace: string,
): boolean {
  if (metadata.namespace !== workload.namespace && metadata.namespace !== rootNamespace) {
    return false;
  }
  // a policy with a target is for gateways and waypoints, never for a workload's own proxy
  if (spec.targetRef !== undefined || (spec.targetRefs?.length ?? 0) > 0) return false;
  return selects(spec.selector?.matchLabels, workload.labels);
}

function attached({ metadata, spec }: AuthorizationPolicy): AttachedPolicy {
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
