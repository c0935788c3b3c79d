import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { parseIpBlock } from '../ip-block.ts';
import { selects } from '../label-selector.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { oldestFirst } from '../oldest-first.ts';
import { type Ip, parseIp } from '../parse-ip.ts';
import { listed } from '../quote.ts';
import { type NamedService, namedServices } from './named-services.ts';
import { workloadLabels, workloadPort } from './service-endpoint.ts';
import { VIRTUAL_RANGES, virtualAddresses } from './virtual-addresses.ts';

/** What an address, to which a program connects, means in the mesh. */
export type MeshDestination =
  /** Any endpoint of a service. */
  | { readonly kind: 'service'; readonly host: string; readonly port: number }
  /** This endpoint of a service, and no other. */
  | {
      readonly kind: 'endpoint';
      readonly host: string;
      readonly port: number;
      readonly endpoint: { readonly host: string; readonly port: number };
    }
  /** An address of the mesh on which nothing is. */
  | { readonly kind: 'nothing'; readonly problem: string }
  /** No address of the mesh; known, where a ServiceEntry names a range with it and the port. */
  | { readonly kind: 'outside'; readonly known: boolean };

/** What the mesh has under a name. */
export interface MeshName {
  /** The whole name, in lower case. */
  readonly host: string;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** Names and addresses of the mesh, as one workload may see it. */
export interface MeshDirectory {
  /** What connecting to a host and port means: an IP address, or a name as `lookup` takes it. */
  destination(host: string, port: number): MeshDestination;
  /**
   * What a program means by a name: `products`, `products.shop`, `products.shop.svc`,
   * `products.shop.svc.cluster.local`, or the host of a ServiceEntry; any case, a final dot allowed.
   */
  lookup(name: string): MeshName | undefined;
}

type Found = Extract<MeshDestination, { kind: 'endpoint' }>;

interface Index {
  readonly byHost: ReadonlyMap<string, NamedService>;
  readonly names: Map<string, MeshName>;
  readonly owners: Map<string, NamedService>;
  readonly endpoints: Map<string, Found>;
}

const LISTED = 8;
const CLUSTER_SUFFIX = '.svc.cluster.local';
const RANGES = [parseIpBlock(VIRTUAL_RANGES.ipv4), parseIpBlock(VIRTUAL_RANGES.ipv6)];

/** Compiles the facts for a workload of `namespace` once, so that each question is a lookup. */
export function meshDirectory(
  facts: MeshFacts,
  namespace: string,
  settings: Pick<MeshSettings, 'defaultServiceExportTo'>,
): MeshDirectory {
  const services = namedServices(facts, namespace, settings);
  const index = indexOf(services, facts.workloadEntries);
  const lookup = (name: string): MeshName | undefined =>
    index.names.get(wholeName(name, namespace, index.byHost));
  return {
    lookup,
    destination(host, port) {
      const key = keyOf(host);
      const owner =
        key === ''
          ? index.byHost.get(wholeName(host, namespace, index.byHost))
          : index.owners.get(key);
      if (owner !== undefined) return onService(owner, port);
      const endpoint = index.endpoints.get(`${key} ${port}`);
      if (endpoint !== undefined) return endpoint;
      if (isVirtual(host)) return forgotten(host);
      return { kind: 'outside', known: isInRange(services, host, port) };
    },
  };
}

function indexOf(services: readonly NamedService[], workloads: readonly WorkloadEntry[]): Index {
  // By age alone, so that agents of all namespaces give the same addresses.
  const oldest = services
    .filter(({ leadsTo, addresses }) => leadsTo === 'own' && !addresses.some(isAddress))
    .toSorted(oldestFirst);
  const virtual = virtualAddresses(oldest.map(({ host }) => host));
  const entries = Map.groupBy(workloads, ({ metadata }) => metadata.namespace ?? '');
  const index: Index = {
    byHost: new Map(services.map((service) => [service.host, service])),
    ...{ names: new Map(), owners: new Map(), endpoints: new Map() },
  };
  for (const service of services) {
    const given = virtual.get(service.host);
    const own = given === undefined ? service.addresses : [given.ipv4, given.ipv6];
    for (const address of own) setFirst(index.owners, keyOf(address), service);
    const reached = reachedBy(service, entries.get(service.namespace) ?? [], index.endpoints);
    const { leadsTo } = service;
    if (leadsTo === 'elsewhere') continue;
    index.names.set(service.host, nameOf(service.host, leadsTo === 'own' ? own : reached));
  }
  return index;
}

/** Addresses out of the virtual ranges lead nowhere but into the mesh: outside they are nobody's. */
function isVirtual(host: string): boolean {
  const ip = parseIp(host);
  return ip !== undefined && RANGES.some((range) => range?.contains(ip));
}

function forgotten(address: string): MeshDestination {
  const problem = `the virtual address ${address} is of no service any more; look its name up again`;
  return { kind: 'nothing', problem };
}

/** Whether a service names a range that the address is in, and the port. */
function isInRange(services: readonly NamedService[], address: string, port: number): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  return services.some(
    ({ addresses, ports }) =>
      ports.some(({ number }) => number === port) &&
      addresses.some((range) => parseIpBlock(range)?.contains(ip)),
  );
}

function onService({ host, ports, title }: NamedService, port: number): MeshDestination {
  if (ports.some(({ number }) => number === port)) return { kind: 'service', host, port };
  const known = ports.map(({ number }) => String(number));
  const has = known.length === 0 ? 'no TCP port at all' : listed(known, LISTED, ', ');
  return { kind: 'nothing', problem: `${title} has no port ${port}; it has ${has}` };
}

/** Notes the endpoints of a service as places of their own, and gives their addresses. */
function reachedBy(
  { behind, ports, host }: NamedService,
  entries: readonly WorkloadEntry[],
  endpoints: Map<string, Found>,
): readonly string[] {
  const members =
    'list' in behind
      ? behind.list.map((spec) => ({ spec }))
      : entries.filter((entry) => selects(behind.labels, workloadLabels(entry)));
  const addresses = new Set<string>();
  for (const member of members) {
    const { address = '' } = member.spec;
    if (keyOf(address) === '') continue;
    addresses.add(address);
    for (const port of ports) {
      const endpoint = { host: address, port: workloadPort(member, port) };
      const found: Found = { kind: 'endpoint', host, port: port.number, endpoint };
      setFirst(endpoints, `${keyOf(address)} ${endpoint.port}`, found);
    }
  }
  return [...addresses];
}

function nameOf(host: string, addresses: readonly string[]): MeshName {
  return {
    host,
    ipv4: addresses.filter((address) => typeof parseIp(address) === 'number'),
    ipv6: addresses.filter((address) => typeof parseIp(address) === 'object'),
  };
}

/** The name as the directory has it; what has no such form stays as it is. */
function wholeName(
  name: string,
  namespace: string,
  known: ReadonlyMap<string, NamedService>,
): string {
  const lower = name.toLowerCase();
  const bare = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (known.has(bare)) return bare;
  const labels = bare.split('.');
  if (labels.length === 1) return `${bare}.${namespace}${CLUSTER_SUFFIX}`;
  if (labels.length === 2) return `${bare}${CLUSTER_SUFFIX}`;
  return labels.length === 3 && labels[2] === 'svc' ? `${bare}.cluster.local` : bare;
}

function isAddress(text: string): boolean {
  return keyOf(text) !== '';
}

/** One key for all ways to write an address; '' for what is none. */
function keyOf(address: string): string {
  const ip: Ip | undefined = parseIp(address);
  if (ip === undefined) return '';
  return typeof ip === 'number' ? String(ip) : ip.join(' ');
}

function setFirst<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (key !== '' && !map.has(key)) map.set(key, value);
}
