import { attachedPolicies } from '../authorization/attached-policy.ts';
import { seesHttp } from '../authorization/sees-http.ts';
import {
  type EffectiveMode,
  effectivePeerAuthentication,
} from '../effective-peer-authentication.ts';
import { type FoundWorkload, findWorkload } from './find-workload.ts';
import type { MeshInventory } from './mesh-inventory.ts';
import type { WorkloadCall } from './recorded-call.ts';

/** One port of a workload as callers meet it. */
export interface PortView {
  readonly port: number;
  readonly mtls: EffectiveMode['mode'];
  /** The PeerAuthentication that says so, and at which level; undefined: nobody does. */
  readonly by: string | undefined;
  /** Whether policies look at the requests that come to it. */
  readonly http: boolean;
}

/** A workload, who may call it, and who did. */
export interface WorkloadView {
  readonly namespace: string;
  readonly name: string;
  readonly foundBy: string;
  readonly serviceAccount: string;
  readonly identity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PortView[];
  /** In order of evaluation. */
  readonly policies: readonly {
    readonly action: string;
    readonly policy: string;
    readonly rules: number;
    readonly dryRun: boolean;
  }[];
  readonly callers: readonly WorkloadCall[];
  /** The newest first. */
  readonly denials: readonly WorkloadCall[];
}

const MOST_DENIALS = 10;
const MOST_CALLERS = 100;

/** What there is to say of `namespace/name`, or why there is nothing. */
export function workloadView(
  mesh: MeshInventory,
  calls: readonly WorkloadCall[],
  namespace: string,
  name: string,
): WorkloadView | { readonly problem: string } {
  const found = findWorkload(mesh, namespace, name);
  if ('problem' in found) return found;
  const { workload, by } = found;
  const own = calls
    .filter((call) => call.namespace === namespace && call.workload === workload.name)
    .toSorted((a, b) => b.lastSeenMs - a.lastSeenMs);
  const { serviceAccount, labels } = workload;
  const identity = `spiffe://${mesh.settings.trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  return {
    ...{ namespace, name: workload.name, foundBy: by, serviceAccount, identity, labels },
    ports: portsOf(mesh, found, own),
    policies: attachedPolicies(mesh.authorizationPolicies, workload, mesh.settings).map((each) => ({
      action: each.action,
      policy: `${each.namespace}/${each.name}`,
      rules: each.spec.rules?.length ?? 0,
      dryRun: each.dryRun,
    })),
    callers: own.filter(({ allowed }) => allowed).slice(0, MOST_CALLERS),
    denials: own.filter(({ allowed }) => !allowed).slice(0, MOST_DENIALS),
  };
}

function portsOf(
  mesh: MeshInventory,
  { workload, ports }: FoundWorkload,
  calls: readonly WorkloadCall[],
): readonly PortView[] {
  const { peerAuthentications, settings } = mesh;
  const attached = attachedPolicies(mesh.authorizationPolicies, workload, settings);
  const all = new Set([...ports, ...calls.map(({ port }) => port)]);
  return [...all]
    .sort((a, b) => a - b)
    .map((port) => {
      const { mode, by } = effectivePeerAuthentication(
        peerAuthentications,
        workload,
        port,
        settings,
      );
      const policy = by && `PeerAuthentication ${by.namespace}/${by.name} (${by.scope} level)`;
      return { port, mtls: mode, by: policy, http: attached.some((each) => seesHttp(each, port)) };
    });
}
