import { isPlainHttp } from '../../resources/kinds/protocol.ts';
import type { Service } from '../../resources/kinds/service.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { selects } from '../label-selector.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import { oldestFirst } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';

/** What the bytes of a workload port are said to be; `unknown`: nobody says, so it is to be found out. */
export type DeclaredProtocol = 'http' | 'opaque' | 'unknown';

type ServicePort = NonNullable<Service['spec']['ports']>[number];

/** What a name begins with before its first dash, besides HTTP and gRPC. */
const OPAQUE: ReadonlySet<string> = new Set([
  ...['tcp', 'tls', 'https', 'mongo', 'mysql', 'redis', 'udp'],
]);
const GRPC_WEB = 'grpc-web';

/**
 * What the Services of a workload declare about one of its own ports, by `appProtocol` or the name of
 * the port as Istio reads it. Where several declare it, the oldest Service does.
 */
export function declaredProtocol(
  { services, workloadEntries }: Pick<MeshFacts, 'services' | 'workloadEntries'>,
  workload: Workload,
  port: number,
): DeclaredProtocol {
  const entries = workloadEntries.filter(
    ({ metadata }) => metadata.namespace === workload.namespace,
  );
  const declared = services
    .filter((service) => isFor(service, workload))
    .toSorted(oldestFirst)
    .flatMap(({ spec }) => spec.ports ?? [])
    .find((each) => leadsTo(each, entries, port));
  return declared === undefined ? 'unknown' : protocolOf(declared);
}

function isFor({ metadata, spec }: Service, workload: Workload): boolean {
  const { selector } = spec;
  return (
    metadata.namespace === workload.namespace &&
    selector !== undefined &&
    Object.keys(selector).length > 0 &&
    selects(selector, workload.labels)
  );
}

function leadsTo(
  { name, port, targetPort }: ServicePort,
  entries: readonly WorkloadEntry[],
  wanted: number,
): boolean {
  const names = [name, typeof targetPort === 'string' ? targetPort : undefined];
  const named = entries.some(({ spec }) =>
    names.some((each) => each !== undefined && spec.ports?.[each] === wanted),
  );
  return named || (typeof targetPort === 'number' ? targetPort : port) === wanted;
}

function protocolOf({ name = '', appProtocol }: ServicePort): DeclaredProtocol {
  const written = (appProtocol ?? name).toLowerCase();
  const word = written.startsWith('kubernetes.io/')
    ? written.slice('kubernetes.io/'.length)
    : written;
  if (word === 'h2c' || word === 'ws' || word.startsWith(GRPC_WEB)) return 'http';
  const [first = ''] = word.split('-');
  if (isPlainHttp(first)) return 'http';
  return OPAQUE.has(first) || word === 'wss' ? 'opaque' : 'unknown';
}
