import type { Service } from '../resources/kinds/service.ts';
import type { ServicePort } from './find-service.ts';
import type { MeshFacts } from './mesh-facts.ts';
import { oldestFirst } from './oldest-first.ts';

/** A service as programs know it: by a name and addresses. */
export interface NamedService {
  /** The whole name, in lower case. */
  readonly host: string;
  /** What it is, for messages: `Service shop/products`. */
  readonly title: string;
  readonly namespace: string;
  /** Addresses of its own. */
  readonly addresses: readonly string[];
  /** Whether its name leads to the addresses of its endpoints. */
  readonly headless: boolean;
  /** Whether it has no address by which programs could reach it, and must be given one. */
  readonly needsAddress: boolean;
  /** The TCP ports only. */
  readonly ports: readonly ServicePort[];
  /** Which WorkloadEntries of its namespace are behind it. */
  readonly selector: Readonly<Record<string, string>> | undefined;
}

/** All services that the facts name, the oldest first; an ExternalName is an alias and no service. */
export function namedServices(facts: Pick<MeshFacts, 'services'>): readonly NamedService[] {
  return facts.services
    .filter(({ spec }) => spec.type !== 'ExternalName')
    .toSorted(oldestFirst)
    .map(ofService);
}

function ofService({ metadata, spec }: Service): NamedService {
  const { name, namespace = '' } = metadata;
  const { clusterIP = '', clusterIPs = [], selector = {} } = spec;
  const headless = clusterIP === 'None';
  const cluster = [clusterIP, ...clusterIPs].filter((ip) => ip !== '' && ip !== 'None');
  return {
    host: `${name}.${namespace}.svc.cluster.local`,
    title: `Service ${namespace}/${name}`,
    namespace,
    addresses: [...new Set(cluster)],
    headless,
    needsAddress: !headless && cluster.length === 0,
    ports: (spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP'),
    selector: Object.keys(selector).length > 0 ? selector : undefined,
  };
}
