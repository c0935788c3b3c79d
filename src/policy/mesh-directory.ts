import type { WorkloadEntry } from '../resources/kinds/workload-entry.ts';
import { parseIpBlock } from './ip-block.ts';
import { selects } from './label-selector.ts';
import type { MeshFacts } from './mesh-facts.ts';
import { type NamedService, namedServices } from './named-services.ts';
import { type Ip, parseIp } from './parse-ip.ts';
import { listed } from './quote.ts';
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
  /** No address of the mesh. */
  | { readonly kind: 'outside' };

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
  destination(host: string, port: number, namespace: string): MeshDestination;
  /**
   * What a program of `namespace` means by a name: `products`, `products.shop`, `products.shop.svc`,
   * `products.shop.svc.cluster.local`, or the host of a ServiceEntry; any case, a final dot allowed.
   */
  lookup(name: string, namespace: string): MeshName | undefined;
}

type Found = Exclude<MeshDestination, { kind: 'outside' }>;

const OUTSIDE: MeshDestination = { kind: 'outside' };
const LISTED = 8;
const RANGES = [parseIpBlock(VIRTUAL_RANGES.ipv4), parseIpBlock(VIRTUAL_RANGES.ipv6)];
const CLUSTER_SUFFIX = '.svc.cluster.local';

/** Compiles the facts once, so that each question is a lookup. */
export function meshDirectory(facts: MeshFacts): MeshDirectory {
  const services = namedServices(facts);
  const virtual = virtualAddresses(
    services.filter((each) => each.needsAddress).map(({ host }) => host),
  );
  const names = new Map<string, MeshName>();
  const owners = new Map<string, NamedService>();
  const named = new Map<string, NamedService>();
  const endpoints = new Map<string, Found>();
  const entries = Map.groupBy(facts.workloadEntries, ({ metadata }) => metadata.namespace ?? '');
  for (const service of services) {
    if (names.has(service.host)) continue;
    named.set(service.host, service);
    const given = virtual.get(service.host);
    const own = given === undefined ? service.addresses : [given.ipv4, given.ipv6];
    for (const address of own) setFirst(owners, keyOf(address), service);
    const reached = reachedBy(service, entries.get(service.namespace) ?? [], endpoints);
    names.set(service.host, nameOf(service.host, service.headless ? reached : own));
  }
  const lookup = (name: string, namespace: string): MeshName | undefined =>
    names.get(wholeName(name, namespace, names));
  return {
    lookup,
    destination(host, port, namespace) {
      const key = keyOf(host);
      const owner = key === '' ? named.get(lookup(host, namespace)?.host ?? '') : owners.get(key);
      if (owner !== undefined) return onService(owner, port);
      return endpoints.get(`${key} ${port}`) ?? (isVirtual(host) ? forgotten(host) : OUTSIDE);
    },
  };
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

function onService({ host, ports, title }: NamedService, port: number): MeshDestination {
  if (ports.some((each) => each.port === port)) return { kind: 'service', host, port };
  const known = ports.map((each) => String(each.port));
  const has = known.length === 0 ? 'no TCP port at all' : listed(known, LISTED, ', ');
  return { kind: 'nothing', problem: `${title} has no port ${port}; it has ${has}` };
}

/** Notes the endpoints of a service as places of their own, and gives their addresses. */
function reachedBy(
  { selector, ports, host }: NamedService,
  entries: readonly WorkloadEntry[],
  endpoints: Map<string, Found>,
): readonly string[] {
  if (selector === undefined) return [];
  const addresses = new Set<string>();
  for (const entry of entries) {
    const { address = '' } = entry.spec;
    if (keyOf(address) === '' || !selects(selector, workloadLabels(entry))) continue;
    addresses.add(address);
    for (const servicePort of ports) {
      const endpoint = { host: address, port: workloadPort(entry, servicePort) };
      const found: Found = { kind: 'endpoint', host, port: servicePort.port, endpoint };
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

/** The name as the directory has it; itself where it has none. */
function wholeName(name: string, namespace: string, names: ReadonlyMap<string, MeshName>): string {
  const lower = name.toLowerCase();
  const bare = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (names.has(bare)) return bare;
  const labels = bare.split('.');
  if (labels.length === 1) return `${bare}.${namespace}${CLUSTER_SUFFIX}`;
  if (labels.length === 2) return `${bare}${CLUSTER_SUFFIX}`;
  return labels.length === 3 && labels[2] === 'svc' ? `${bare}.cluster.local` : bare;
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
