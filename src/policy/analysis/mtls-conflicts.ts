import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { effectivePeerAuthentication } from '../effective-peer-authentication.ts';
import { selects } from '../label-selector.ts';
import { oldestFirst } from '../oldest-first.ts';
import type { InventoryWorkload } from '../questions/inventory-workloads.ts';
import { type AnalyzedMesh, fullHost, serviceHost } from './analyzed-mesh.ts';
import { declaredPorts } from './declared-ports.ts';
import type { Finding } from './finding.ts';

type TrafficPolicy = NonNullable<DestinationRule['spec']['trafficPolicy']>;
type TlsMode = NonNullable<NonNullable<TrafficPolicy['tls']>['mode']>;

/** A mode that a rule sets for a host, and for one port of the Service where it does so. */
interface WantedTls {
  readonly mode: TlsMode;
  readonly port: number | undefined;
  readonly subset: Readonly<Record<string, string>>;
}

/**
 * IST0113: a DestinationRule that calls in a way that the workloads behind the host do not take; ours, since
 * Istio has none any more. IST0115: one that calls workloads without a proxy by mutual TLS.
 */
export function mtlsConflicts(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule) => {
    const host = fullHost(rule.spec.host, rule.metadata.namespace ?? '');
    const service = mesh.services.find(({ metadata }) => serviceHost(metadata) === host);
    if (service === undefined) return withoutService(mesh, rule, host);
    const { namespace = '' } = service.metadata;
    const { selector = {} } = service.spec;
    const found = wantedTls(rule).flatMap((wanted) =>
      declaredPorts(mesh, namespace, selector)
        .filter((each) => each.service === service)
        .filter(({ port }) => wanted.port === undefined || wanted.port === port.port)
        .flatMap(({ target }) => {
          const behind = mesh.workloads.filter(
            (each) =>
              each.namespace === namespace &&
              selects(selector, each.labels) &&
              selects(wanted.subset, each.labels),
          );
          const workload = behind[0] ?? { namespace, labels: { ...selector, ...wanted.subset } };
          return [
            ...withoutProxy(rule, wanted, behind),
            ...conflict(mesh, rule, { wanted, workload, port: target, host }),
          ];
        }),
    );
    return [...new Map(found.map((each) => [each.code + each.message, each])).values()];
  });
}

const MESH_HOST = /^(?:[^.]+|\*)\.([^.]+)\.svc\.cluster\.local$/;

/** Of a host behind which nobody is known, only what holds for its whole namespace or mesh can be said. */
function withoutService(
  mesh: AnalyzedMesh,
  rule: DestinationRule,
  host: string,
): readonly Finding[] {
  const isAll = host === '*.local' || host === '*.svc.cluster.local';
  const namespace = isAll ? mesh.settings.rootNamespace : MESH_HOST.exec(host)?.[1];
  if (namespace === undefined) return [];
  const found = wantedTls(rule).flatMap((wanted) =>
    conflict(mesh, rule, { wanted, workload: { namespace, labels: {} }, port: wanted.port, host }),
  );
  return [...new Map(found.map((each) => [each.message, each])).values()];
}

function wantedTls({ spec }: DestinationRule): readonly WantedTls[] {
  const { trafficPolicy, subsets = [] } = spec;
  return [
    ...ofPolicy(trafficPolicy, {}),
    ...subsets.flatMap(({ labels = {}, trafficPolicy: own }) => ofPolicy(own, labels)),
  ];
}

function ofPolicy(
  policy: TrafficPolicy | undefined,
  subset: WantedTls['subset'],
): readonly WantedTls[] {
  const ports = policy?.portLevelSettings ?? [];
  return [
    ...(policy?.tls === undefined
      ? []
      : [{ mode: policy.tls.mode ?? 'DISABLE', port: undefined, subset }]),
    ...ports.flatMap(({ tls, port }) =>
      tls === undefined ? [] : [{ mode: tls.mode ?? 'DISABLE', port: port?.number, subset }],
    ),
  ];
}

function withoutProxy(
  rule: DestinationRule,
  { mode }: WantedTls,
  behind: readonly InventoryWorkload[],
): readonly Finding[] {
  const bare = mode === 'ISTIO_MUTUAL' ? behind.find(({ inMesh }) => !inMesh) : undefined;
  if (bare === undefined) return [];
  const message = `the rule calls by mutual TLS, and workload ${bare.namespace}/${bare.name} has no sidecar to take it: calls from the mesh will fail`;
  return [{ code: 'IST0115', resource: rule, message }];
}

function conflict(
  mesh: AnalyzedMesh,
  rule: DestinationRule,
  at: {
    readonly wanted: WantedTls;
    readonly workload: Pick<InventoryWorkload, 'namespace' | 'labels'>;
    readonly port: number | undefined;
    readonly host: string;
  },
): readonly Finding[] {
  const { wanted, workload, port, host } = at;
  const { peerAuthentications, settings } = mesh;
  const { mode, by } = effectivePeerAuthentication(
    peerAuthentications,
    workload,
    port ?? 0,
    settings,
  );
  const isMutual = wanted.mode === 'ISTIO_MUTUAL';
  const bad = (mode === 'STRICT' && !isMutual) || (mode === 'DISABLE' && isMutual);
  if (!bad || by === undefined) return [];
  const message = `for host ${host} the DestinationRule wants tls mode ${wanted.mode}, and PeerAuthentication ${by.namespace}/${by.name} is ${mode}${port === undefined ? '' : ` on port ${port}`}: calls will fail`;
  return [{ code: 'IST0113', resource: rule, message }];
}

/** HBK0005: PeerAuthentications that are ignored. */
export function ignoredPeerAuthentications(mesh: AnalyzedMesh): readonly Finding[] {
  const { rootNamespace } = mesh.settings;
  return mesh.peerAuthentications.flatMap((policy): Finding[] => {
    const { metadata, spec } = policy;
    const labels = JSON.stringify(Object.entries(spec.selector?.matchLabels ?? {}).sort());
    if (metadata.namespace === rootNamespace && labels !== '[]') {
      const message =
        'a PeerAuthentication with a selector in the root namespace is ignored; put it in the namespace of its workloads';
      return [{ code: 'HBK0005', resource: policy, message }];
    }
    const older = mesh.peerAuthentications.find(
      (other) =>
        other !== policy &&
        other.metadata.namespace === metadata.namespace &&
        JSON.stringify(Object.entries(other.spec.selector?.matchLabels ?? {}).sort()) === labels &&
        oldestFirst(other, policy) < 0,
    );
    if (older === undefined) return [];
    const message = `the policy is ignored: ${older.metadata.name} is older and for the same workloads, and only the oldest counts`;
    return [{ code: 'HBK0005', resource: policy, message }];
  });
}
