import { isPlainHttp } from '../../resources/kinds/protocol.ts';
import type { Service } from '../../resources/kinds/service.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { selects } from '../label-selector.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { oldestFirst } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';
import { effectiveSidecar } from './effective-sidecar.ts';

/** What the bytes of a workload port are said to be; `unknown`: nobody says, so it is to be found out. */
export type DeclaredProtocol = 'http' | 'opaque' | 'unknown';

/** What a name begins with before its first dash, besides HTTP and gRPC. */
const OPAQUE: ReadonlySet<string> = new Set([
  ...['tcp', 'tls', 'https', 'mongo', 'mysql', 'redis', 'udp'],
]);
const GRPC_WEB = 'grpc-web';

/**
 * What is declared about one of a workload's own ports (istio-semantics 1.3): by the `ingress` of the
 * Sidecar that holds for it, if that has any; else by the Services and ServiceEntries that select it,
 * of a Service by `appProtocol` or the name of the port as Istio reads it. Where several declare one
 * port, the oldest does.
 */
export function declaredProtocol(
  facts: Pick<MeshFacts, 'services' | 'serviceEntries' | 'workloadEntries' | 'sidecars'>,
  workload: Workload,
  port: number,
  settings: Pick<MeshSettings, 'rootNamespace'>,
): DeclaredProtocol {
  const { ingress = [] } = effectiveSidecar(facts.sidecars, workload, settings)?.spec ?? {};
  if (ingress.length > 0) return declaredByIngress(ingress, port);
  const entries = facts.workloadEntries.filter(
    ({ metadata }) => metadata.namespace === workload.namespace,
  );
  const declared = [...facts.services, ...facts.serviceEntries]
    .filter((each) => isFor(each, workload))
    .toSorted(oldestFirst)
    .flatMap(portsOf)
    .find((each) => leadsTo(each, entries, port));
  return declared === undefined ? 'unknown' : protocolNamed(declared.protocol);
}

function declaredByIngress(
  ingress: NonNullable<Sidecar['spec']['ingress']>,
  wanted: number,
): DeclaredProtocol {
  const found = ingress.find(({ port }) => port?.number === wanted)?.port;
  return protocolNamed(found?.protocol ?? '');
}

function isFor(each: Service | ServiceEntry, workload: Workload): boolean {
  const selector =
    each.kind === 'Service' ? each.spec.selector : each.spec.workloadSelector?.labels;
  return (
    each.metadata.namespace === workload.namespace &&
    selector !== undefined &&
    Object.keys(selector).length > 0 &&
    selects(selector, workload.labels)
  );
}

interface DeclaredPort {
  readonly number: number;
  readonly name: string | undefined;
  readonly targetPort: number | string | undefined;
  readonly protocol: string;
}

function portsOf(each: Service | ServiceEntry): readonly DeclaredPort[] {
  if (each.kind === 'ServiceEntry') {
    return (each.spec.ports ?? []).map(({ number, name, targetPort, protocol = '' }) => ({
      ...{ number, name, targetPort, protocol },
    }));
  }
  return (each.spec.ports ?? []).map(({ port, name, targetPort, appProtocol }) => ({
    ...{ number: port, name, targetPort, protocol: appProtocol ?? name ?? '' },
  }));
}

function leadsTo(
  { name, number, targetPort }: DeclaredPort,
  entries: readonly WorkloadEntry[],
  wanted: number,
): boolean {
  const names = [name, typeof targetPort === 'string' ? targetPort : undefined];
  const named = entries.some(({ spec }) =>
    names.some((each) => each !== undefined && spec.ports?.[each] === wanted),
  );
  return named || (typeof targetPort === 'number' ? targetPort : number) === wanted;
}

function protocolNamed(written: string): DeclaredProtocol {
  const word = written.toLowerCase().replace(/^kubernetes\.io\//, '');
  if (word === 'h2c' || word === 'ws' || word.startsWith(GRPC_WEB)) return 'http';
  const [first = ''] = word.split('-');
  if (isPlainHttp(first)) return 'http';
  return OPAQUE.has(first) || word === 'wss' ? 'opaque' : 'unknown';
}
