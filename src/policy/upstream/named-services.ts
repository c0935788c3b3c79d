import type { Service } from '../../resources/kinds/service.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { oldestFirst } from '../oldest-first.ts';
import { isKnownIn, type MeshServicePort } from './mesh-service.ts';

/** A service as programs know it: by a name and addresses. */
export interface NamedService {
  /** The whole name, in lower case. */
  readonly host: string;
  /** What it is, for messages: `Service shop/products`. */
  readonly title: string;
  readonly namespace: string;
  /** Addresses and ranges of its own. */
  readonly addresses: readonly string[];
  /**
   * Where its name leads. `own`: to its own address, a virtual one where it has none. `endpoints`: to
   * those of its endpoints. `elsewhere`: to where the resolvers say.
   */
  readonly leadsTo: 'own' | 'endpoints' | 'elsewhere';
  /** The TCP ports only. */
  readonly ports: readonly Omit<MeshServicePort, 'protocol'>[];
  /** Which WorkloadEntries of its namespace are behind it, or who else. */
  readonly behind:
    | { readonly labels: Readonly<Record<string, string>> }
    | { readonly list: readonly WorkloadEntry['spec'][] };
  readonly metadata: Service['metadata'];
}

/**
 * All services that a workload of `namespace` can call: Services, then ServiceEntries, those of its own
 * namespace before those of others, the oldest first. The first that has a name, has it.
 */
export function namedServices(
  facts: Pick<MeshFacts, 'services' | 'serviceEntries'>,
  namespace: string,
  settings: Pick<MeshSettings, 'defaultServiceExportTo'>,
): readonly NamedService[] {
  const isOwn = ({ metadata }: ServiceEntry): number => Number(metadata.namespace === namespace);
  const services = facts.services.toSorted(oldestFirst).map(ofService);
  const entries = facts.serviceEntries
    .filter((entry) => isKnownIn(entry, namespace, settings))
    .toSorted((a, b) => isOwn(b) - isOwn(a) || oldestFirst(a, b))
    .flatMap(ofEntry);
  const byHost = new Map<string, NamedService>();
  for (const each of [...services, ...entries]) {
    if (!byHost.has(each.host)) byHost.set(each.host, each);
  }
  return [...byHost.values()];
}

function ofService({ metadata, spec }: Service): NamedService {
  const { name, namespace = '' } = metadata;
  const { clusterIP = '', clusterIPs = [], selector = {} } = spec;
  const addresses = [clusterIP, ...clusterIPs].filter((ip) => ip !== '' && ip !== 'None');
  const ports = (spec.ports ?? [])
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map((each) => ({ number: each.port, name: each.name, targetPort: each.targetPort }));
  // Without ports it is an alias, and calls to it are calls to where it leads.
  const alias = spec.type === 'ExternalName' && ports.length === 0;
  return {
    host: `${name}.${namespace}.svc.cluster.local`,
    title: `Service ${namespace}/${name}`,
    ...{ namespace, metadata, ports },
    addresses: [...new Set(addresses)],
    leadsTo: clusterIP === 'None' ? 'endpoints' : alias ? 'elsewhere' : 'own',
    behind: Object.keys(selector).length > 0 ? { labels: selector } : { list: [] },
  };
}

function ofEntry({ metadata, spec }: ServiceEntry): readonly NamedService[] {
  const { name, namespace = '' } = metadata;
  const { addresses = [], endpoints = [], workloadSelector, resolution = 'NONE' } = spec;
  const labels = workloadSelector?.labels;
  const elsewhere = resolution === 'NONE' && addresses.every((address) => address.includes('/'));
  return spec.hosts
    .filter((host) => !host.includes('*'))
    .map((host) => ({
      host: host.toLowerCase(),
      title: `ServiceEntry ${namespace}/${name}`,
      ...{ namespace, metadata, addresses },
      leadsTo: elsewhere ? 'elsewhere' : 'own',
      ports: (spec.ports ?? []).map((port) => ({ ...port, targetPort: port.targetPort })),
      behind: labels === undefined ? { list: endpoints } : { labels },
    }));
}
