import type { PeerAuthentication } from '../resources/kinds/peer-authentication.ts';
import { selectedLabelCount } from '../resources/kinds/selector.ts';
import { selects } from './label-selector.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { oldestFirst } from './oldest-first.ts';
import type { Workload } from './workload.ts';

export type MtlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** The mode of one port of one workload, and the policy that set it. */
export interface EffectiveMode {
  readonly mode: MtlsMode;
  /** Undefined: no policy says anything, so the mesh's default holds, which is PERMISSIVE unless set. */
  readonly by:
    | {
        readonly namespace: string;
        readonly name: string;
        readonly scope: 'mesh' | 'namespace' | 'workload' | 'port';
      }
    | undefined;
}

type Scope = 'mesh' | 'namespace' | 'workload';

/**
 * How `workload` requires mTLS on `port`, which is the workload's own port and never a Service's
 * (istio-semantics 1.1). Of each scope only the oldest policy counts, whole; UNSET inherits from the
 * wider scope; a port level is read only from the winning workload policy.
 */
export function effectivePeerAuthentication(
  policies: readonly PeerAuthentication[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  port: number,
  settings: Pick<MeshSettings, 'rootNamespace' | 'defaultMtlsMode'>,
): EffectiveMode {
  const winners = oldestOfEachScope(policies, workload, settings.rootNamespace);
  let effective: EffectiveMode = { mode: settings.defaultMtlsMode, by: undefined };
  for (const scope of ['mesh', 'namespace', 'workload'] as const) {
    const policy = winners[scope];
    effective = overridden(effective, policy, scope, policy?.spec.mtls?.mode);
  }
  const { workload: winner } = winners;
  return overridden(effective, winner, 'port', winner?.spec.portLevelMtls?.[String(port)]?.mode);
}

/**
 * What the mesh and `namespace` require, workloads and their ports left aside: the part that clients
 * ask about a service as a whole (istio-semantics 1.1, last line).
 */
export function namespaceMode(
  policies: readonly PeerAuthentication[],
  namespace: string,
  settings: Pick<MeshSettings, 'rootNamespace' | 'defaultMtlsMode'>,
): EffectiveMode {
  const wide = policies.filter(({ spec }) => selectedLabelCount(spec.selector) === 0);
  return effectivePeerAuthentication(wide, { namespace, labels: {} }, 0, settings);
}

function overridden(
  inherited: EffectiveMode,
  policy: PeerAuthentication | undefined,
  scope: Scope | 'port',
  mode: string | undefined,
): EffectiveMode {
  if (policy === undefined) return inherited;
  if (mode !== 'DISABLE' && mode !== 'PERMISSIVE' && mode !== 'STRICT') return inherited;
  const { namespace = '', name } = policy.metadata;
  return { mode, by: { namespace, name, scope } };
}

function oldestOfEachScope(
  policies: readonly PeerAuthentication[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  rootNamespace: string,
): Partial<Record<Scope, PeerAuthentication>> {
  const winners: Partial<Record<Scope, PeerAuthentication>> = {};
  for (const policy of policies) {
    const scope = scopeFor(policy, workload, rootNamespace);
    if (scope === undefined) continue;
    const winner = winners[scope];
    if (winner === undefined || oldestFirst(policy, winner) < 0) winners[scope] = policy;
  }
  return winners;
}

/** The scope in which `policy` speaks to `workload`; undefined when it does not. */
function scopeFor(
  policy: PeerAuthentication,
  workload: Pick<Workload, 'namespace' | 'labels'>,
  rootNamespace: string,
): Scope | undefined {
  const { namespace } = policy.metadata;
  const { selector } = policy.spec;
  const isNarrow = selectedLabelCount(selector) > 0;
  // a selector in the root namespace is ignored with its policy, whatever its proto comment says
  if (namespace === rootNamespace) return isNarrow ? undefined : 'mesh';
  if (namespace !== workload.namespace) return undefined;
  if (!isNarrow) return 'namespace';
  return selects(selector?.matchLabels, workload.labels) ? 'workload' : undefined;
}
