import type { Service } from '../../resources/kinds/service.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import type { Workload } from '../workload.ts';
import { effectiveSidecar } from './effective-sidecar.ts';

/** What counts for the calls that a workload makes. */
export interface OutboundScope {
  /** Of services and ServiceEntries those only that may be called; the very same facts where nothing is narrowed. */
  readonly facts: MeshFacts;
  readonly settings: MeshSettings;
  /** Nothing left out. */
  readonly whole: MeshFacts;
  /** `namespace/name` of the Sidecar that narrows; undefined: none does. */
  readonly by: string | undefined;
}

/** One entry of `egress.hosts`. */
interface Import {
  /** Undefined: every namespace. */
  readonly namespace: string | undefined;
  /** In lower case; `*`, `*.suffix`, or a whole name. */
  readonly host: string;
}

const CLUSTER_SUFFIX = '.svc.cluster.local';

/**
 * The facts and settings by which a workload calls others: `egress.hosts` of its Sidecar says which services
 * there are for it, `outboundTrafficPolicy` what becomes of calls to others (istio-semantics 6).
 */
export function outboundScope(
  facts: MeshFacts,
  workload: Pick<Workload, 'namespace' | 'labels'>,
  settings: MeshSettings,
): OutboundScope {
  const sidecar = effectiveSidecar(facts.sidecars, workload, settings);
  if (sidecar === undefined) return { facts, settings, whole: facts, by: undefined };
  const { egress = [], outboundTrafficPolicy } = sidecar.spec;
  const narrowed = egress.length === 0 ? facts : narrowedFacts(facts, egress, workload.namespace);
  // as everywhere, the field without a mode says REGISTRY_ONLY
  const mode = outboundTrafficPolicy && (outboundTrafficPolicy.mode ?? 'REGISTRY_ONLY');
  return {
    facts: narrowed,
    whole: facts,
    settings: mode === undefined ? settings : { ...settings, outboundTrafficPolicy: mode },
    by: `${sidecar.metadata.namespace ?? ''}/${sidecar.metadata.name}`,
  };
}

function narrowedFacts(
  facts: MeshFacts,
  egress: NonNullable<Sidecar['spec']['egress']>,
  ownNamespace: string,
): MeshFacts {
  const imports = egress.flatMap(({ hosts }) => hosts.map((host) => importOf(host, ownNamespace)));
  const isSeen = (host: string, namespace: string | undefined): boolean =>
    imports.some((each) => isMeant(each, host.toLowerCase(), namespace));
  return {
    ...facts,
    services: facts.services.filter(({ metadata }) => isSeen(hostOf(metadata), metadata.namespace)),
    serviceEntries: facts.serviceEntries.flatMap((entry) => {
      const hosts = entry.spec.hosts.filter((host) => isSeen(host, entry.metadata.namespace));
      return seenEntry(entry, hosts);
    }),
  };
}

function seenEntry(entry: ServiceEntry, hosts: readonly string[]): readonly ServiceEntry[] {
  if (hosts.length === 0) return [];
  if (hosts.length === entry.spec.hosts.length) return [entry];
  return [{ ...entry, spec: { ...entry.spec, hosts } }];
}

function hostOf({ name, namespace }: Service['metadata']): string {
  return `${name}.${namespace ?? ''}${CLUSTER_SUFFIX}`;
}

/** `~/*` is a namespace that there is none of: nothing. */
function importOf(text: string, ownNamespace: string): Import {
  const [namespace = '', host = ''] = text.split('/');
  const meant = namespace === '*' ? undefined : namespace === '.' ? ownNamespace : namespace;
  return { namespace: meant, host: host.toLowerCase() };
}

function isMeant(each: Import, host: string, namespace: string | undefined): boolean {
  if (each.namespace !== undefined && each.namespace !== namespace) return false;
  if (each.host === '*') return true;
  // a suffix means whole labels: `*.example` is not `badexample`
  if (each.host.startsWith('*')) return host.endsWith(each.host.slice(1));
  return each.host === host;
}
