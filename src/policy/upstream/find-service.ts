import type { Service } from '../../resources/kinds/service.ts';
import { compareText } from '../oldest-first.ts';
import { listed, quote } from '../quote.ts';

export type ServicePort = NonNullable<Service['spec']['ports']>[number];

const CLUSTER_SUFFIX = '.svc.cluster.local';
const SHORT_SUFFIX = '.svc';
const LISTED = 8;

/**
 * The Service that a host names (`name.ns`, `name.ns.svc`, `name.ns.svc.cluster.local`, any case,
 * a final dot allowed) and its TCP port, or a sentence that names what there is nearby.
 */
export function findService(
  services: readonly Service[],
  host: string,
  port: number,
): { readonly service: Service; readonly servicePort: ServicePort } | { readonly problem: string } {
  const [name = '', namespace, ...rest] = withoutSuffix(host).split('.');
  if (namespace === undefined || namespace === '' || rest.length > 0) {
    return {
      problem: `${quote(host)} names no Service; write for example ${exampleFor(services, name)}`,
    };
  }
  const service = services.find(
    ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
  );
  if (service === undefined) return { problem: unknownService(services, name, namespace) };
  const ports = (service.spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  const servicePort = ports.find((each) => each.port === port);
  return servicePort === undefined
    ? { problem: unknownPort(service, port, ports) }
    : { service, servicePort };
}

function withoutSuffix(host: string): string {
  const lower = host.toLowerCase();
  const bare = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  const suffix = [CLUSTER_SUFFIX, SHORT_SUFFIX].find((each) => bare.endsWith(each));
  return suffix === undefined ? bare : bare.slice(0, -suffix.length);
}

function exampleFor(services: readonly Service[], name: string): string {
  const known = services.find(({ metadata }) => metadata.name === name)?.metadata;
  return quote(`${known?.name ?? 'reviews'}.${known?.namespace ?? 'shop'}`);
}

function unknownService(services: readonly Service[], name: string, namespace: string): string {
  const missing = `there is no Service ${quote(name)} in namespace ${quote(namespace)}`;
  const neighbours = services.filter(({ metadata }) => metadata.namespace === namespace);
  if (neighbours.length > 0) {
    return `${missing}; it has ${nearest(
      neighbours.map(({ metadata }) => metadata.name),
      name,
    )}`;
  }
  const namespaces = new Set(services.map(({ metadata }) => metadata.namespace ?? ''));
  return namespaces.size === 0
    ? `${missing}, nor any other that this workload may see`
    : `${missing}; there are Services in ${nearest([...namespaces], namespace)}`;
}

function unknownPort(service: Service, port: number, ports: readonly ServicePort[]): string {
  const { name, namespace = '' } = service.metadata;
  const known = ports.map(
    (each) => `${each.port}${each.name === undefined ? '' : ` (${each.name})`}`,
  );
  const has = known.length === 0 ? 'no TCP port at all' : listed(known, LISTED, ', ');
  return `Service ${namespace}/${name} has no port ${port}; it has ${has}`;
}

/** The names that begin most like `wanted` first. */
function nearest(names: readonly string[], wanted: string): string {
  const ranked = names.toSorted(
    (a, b) => sharedStart(b, wanted) - sharedStart(a, wanted) || compareText(a, b),
  );
  return listed(ranked, LISTED, ', ');
}

function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}
