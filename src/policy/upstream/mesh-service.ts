import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { compareText, oldestFirst } from '../oldest-first.ts';
import { listed, quote } from '../quote.ts';
import { CLUSTER_DOMAIN, mostSpecificHost } from './destination-host.ts';
import { findService } from './find-service.ts';

/** A port of a service, as those see it who call it. */
export interface MeshServicePort {
  readonly number: number;
  readonly name: string | undefined;
  /** In upper case, as far as it is known: `HTTP`, `TCP`. */
  readonly protocol: string | undefined;
  /** Port of the workloads; a name is looked up in each of them. */
  readonly targetPort: number | string | undefined;
}

/** A service that can be called: a Service, or what a ServiceEntry makes known. */
export interface MeshService {
  readonly kind: 'Service' | 'ServiceEntry';
  readonly namespace: string;
  readonly name: string;
  /** Its whole name, as rules mean it. */
  readonly host: string;
  readonly isExternal: boolean;
  readonly port: MeshServicePort;
  /** How its workloads are found. `host`: it has none; the name itself is dialled. */
  readonly endpoints:
    | { readonly by: 'labels'; readonly labels: Readonly<Record<string, string>> }
    | {
        readonly by: 'list';
        readonly list: NonNullable<ServiceEntry['spec']['endpoints']>;
      }
    | { readonly by: 'host'; readonly host: string };
  /** Callers choose the endpoint themselves: a Service without an address of its own. */
  readonly isHeadless: boolean;
  /** Names that its certificate may have beside the identities of its workloads. */
  readonly subjectAltNames: readonly string[];
}

const LISTED = 8;

/**
 * The service that a client of `namespace` means by `host:port`, or a sentence that names what there is
 * nearby. Services come first, then ServiceEntries: of those that mean the host most specifically that
 * of the client's own namespace, else the oldest.
 */
export function findMeshService(
  facts: Pick<MeshFacts, 'services' | 'serviceEntries'>,
  call: { readonly host: string; readonly port: number; readonly namespace: string },
  settings: Pick<MeshSettings, 'defaultServiceExportTo'>,
): MeshService | { readonly problem: string } {
  const host = call.host.toLowerCase().replace(/\.$/, '');
  const found = findService(facts.services, call.host, call.port);
  if ('service' in found) return fromService(found);
  const known = facts.serviceEntries.filter((entry) => isKnownIn(entry, call.namespace, settings));
  const name = mostSpecificHost(host, new Set(known.flatMap(hostsOf)));
  if (name === undefined) return withEntries(found, known);
  const entries = known.filter((entry) => hostsOf(entry).includes(name));
  const [own] = entries.filter(({ metadata }) => metadata.namespace === call.namespace);
  const entry = own ?? entries.toSorted(oldestFirst)[0];
  return entry === undefined ? found : fromEntry(entry, { host, name, port: call.port });
}

function fromService({
  service,
  servicePort,
}: Extract<ReturnType<typeof findService>, { service: unknown }>): MeshService {
  const { name, namespace = '' } = service.metadata;
  const { port, targetPort, appProtocol, name: portName } = servicePort;
  const { type, externalName = '', selector = {}, clusterIP } = service.spec;
  const isExternal = type === 'ExternalName';
  return {
    ...{ kind: 'Service', namespace, name, isExternal },
    host: `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`,
    port: {
      ...{ number: port, name: portName, targetPort },
      protocol: (appProtocol ?? protocolIn(portName))?.toUpperCase(),
    },
    endpoints: isExternal ? { by: 'host', host: externalName } : { by: 'labels', labels: selector },
    isHeadless: clusterIP === 'None',
    subjectAltNames: [],
  };
}

function fromEntry(
  { metadata, spec }: ServiceEntry,
  call: { readonly host: string; readonly name: string; readonly port: number },
): MeshService | { readonly problem: string } {
  const { name, namespace = '' } = metadata;
  const ports = spec.ports ?? [];
  const port = ports.find(({ number }) => number === call.port);
  if (port === undefined) {
    const has = ports.map((each) => `${each.number} (${each.name})`);
    return {
      problem: `ServiceEntry ${namespace}/${name} has no port ${call.port} for ${quote(call.host)}; it has ${has.length === 0 ? 'none' : listed(has, LISTED, ', ')}`,
    };
  }
  return {
    ...{ kind: 'ServiceEntry', namespace, name, host: call.name },
    isExternal: (spec.location ?? 'MESH_EXTERNAL') === 'MESH_EXTERNAL',
    port: {
      ...{ number: port.number, name: port.name, targetPort: port.targetPort },
      protocol: (port.protocol ?? 'TCP').toUpperCase(),
    },
    endpoints: endpointsOf(spec, call.host),
    isHeadless: (spec.resolution ?? 'NONE') === 'NONE',
    subjectAltNames: spec.subjectAltNames ?? [],
  };
}

function endpointsOf(spec: ServiceEntry['spec'], host: string): MeshService['endpoints'] {
  const labels = spec.workloadSelector?.labels;
  if (labels !== undefined) return { by: 'labels', labels };
  const { endpoints = [] } = spec;
  if (endpoints.length > 0) return { by: 'list', list: endpoints };
  const [address] = (spec.addresses ?? []).filter((each) => !each.includes('/'));
  // Without endpoints, STATIC means the addresses themselves.
  if (spec.resolution === 'STATIC' && address !== undefined) {
    return { by: 'list', list: [{ address }] };
  }
  return { by: 'host', host };
}

/** Whether workloads of a namespace may know of a ServiceEntry. */
export function isKnownIn(
  { metadata, spec }: ServiceEntry,
  namespace: string,
  { defaultServiceExportTo }: Pick<MeshSettings, 'defaultServiceExportTo'>,
): boolean {
  const targets = spec.exportTo ?? [];
  const given = targets.length > 0 ? targets : defaultServiceExportTo;
  if (given.length === 0 || given.includes('*') || given.includes(namespace)) return true;
  return given.includes('.') && metadata.namespace === namespace;
}

function hostsOf({ spec }: ServiceEntry): readonly string[] {
  return spec.hosts.map((host) => host.toLowerCase());
}

/** The protocol that a port's name says, as in `http-api`. */
function protocolIn(name: string | undefined): string | undefined {
  const word = name?.split('-')[0]?.toUpperCase();
  return word !== undefined && PROTOCOLS.has(word) ? word : undefined;
}

const PROTOCOLS = new Set([
  ...['HTTP', 'HTTP2', 'HTTPS', 'GRPC', 'TCP', 'TLS', 'MONGO', 'MYSQL', 'REDIS', 'UDP'],
]);

function withEntries(
  { problem }: { readonly problem: string },
  known: readonly ServiceEntry[],
): { readonly problem: string } {
  const hosts = [...new Set(known.flatMap(hostsOf))].sort(compareText);
  if (hosts.length === 0) return { problem };
  return { problem: `${problem}; ServiceEntries have ${listed(hosts, LISTED, ', ')}` };
}
