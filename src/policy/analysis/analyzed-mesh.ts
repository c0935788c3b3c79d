import type { Gateway } from '../../resources/kinds/gateway.ts';
import type { Namespace } from '../../resources/kinds/namespace.ts';
import type { Pod } from '../../resources/kinds/pod.ts';
import type { Secret } from '../../resources/kinds/secret.ts';
import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import type { Telemetry } from '../../resources/kinds/telemetry.ts';
import type { VirtualService } from '../../resources/kinds/virtual-service.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { selects } from '../label-selector.ts';
import type { InventoryWorkload } from '../questions/inventory-workloads.ts';
import type { MeshInventory } from '../questions/mesh-inventory.ts';

/** A mesh with what analysis asks of it. */
export interface AnalyzedMesh extends MeshInventory {
  readonly gateways: readonly Gateway[];
  readonly virtualServices: readonly VirtualService[];
  readonly sidecars: readonly Sidecar[];
  /** Undefined where nobody could read them, so that nothing is known to be missing. */
  readonly secrets: readonly Secret[] | undefined;
  readonly telemetries: readonly Telemetry[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  /** Hosts of Services and ServiceEntries, in full. */
  readonly hosts: ReadonlyMap<string, readonly Resource[]>;
  /** What keeps certificates in PEM from being served; absent where nobody looks into them. */
  readonly certificateProblem: AnalysisOptions['certificateProblem'];
}

/** What analysis cannot know of resources alone. */
export interface AnalysisOptions {
  /** Whether Secrets are among the resources, as far as there are any. Default true. */
  readonly secretsKnown?: boolean | undefined;
  readonly certificateProblem?: ((pem: string) => string | undefined) | undefined;
}

export function analyzedMesh(
  inventory: MeshInventory,
  { secretsKnown = true, certificateProblem }: AnalysisOptions = {},
): AnalyzedMesh {
  const byKind = Map.groupBy(inventory.resources, (resource) => keyOf(resource).kind);
  const of = <T>(kind: string): readonly T[] => (byKind.get(kind) ?? []) as unknown as readonly T[];
  const hosts = new Map<string, Resource[]>();
  const add = (host: string, resource: unknown) => {
    hosts.set(host, [...(hosts.get(host) ?? []), resource as Resource]);
  };
  for (const service of inventory.services) add(serviceHost(service.metadata), service);
  for (const entry of inventory.serviceEntries) {
    for (const host of entry.spec.hosts) add(host, entry);
  }
  return {
    ...inventory,
    gateways: of('Gateway.networking.istio.io'),
    virtualServices: of('VirtualService.networking.istio.io'),
    sidecars: of('Sidecar.networking.istio.io'),
    secrets: secretsKnown ? of('Secret') : undefined,
    telemetries: of('Telemetry.telemetry.istio.io'),
    pods: of('Pod'),
    namespaces: of('Namespace'),
    hosts,
    certificateProblem,
  };
}

/** `name.namespace.svc.cluster.local`. */
export function serviceHost({ name, namespace = '' }: Resource['metadata']): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

/** A host as a rule of `namespace` writes it, in full: without a dot it is one of the namespace. */
export function fullHost(host: string, namespace: string): string {
  return host === '*' || host.includes('.') ? host : `${host}.${namespace}.svc.cluster.local`;
}

/** The resources that are known under a full host, wildcards on either side. */
export function knownUnder(mesh: AnalyzedMesh, host: string): readonly Resource[] {
  const exact = mesh.hosts.get(host);
  if (exact !== undefined) return exact;
  return [...mesh.hosts].flatMap(([known, resources]) =>
    hostCovers(host, known) || hostCovers(known, host) ? resources : [],
  );
}

/** Whether a host with a wildcard at its start covers another. */
export function hostCovers(wide: string, narrow: string): boolean {
  return wide === narrow || (wide.startsWith('*') && narrow.endsWith(wide.slice(1)));
}

/** The workloads of a namespace, or of all, that a selector picks. */
export function selectedWorkloads(
  mesh: MeshInventory,
  matchLabels: Readonly<Record<string, string>> | undefined,
  namespace: string | undefined,
): readonly InventoryWorkload[] {
  return mesh.workloads.filter(
    (each) =>
      (namespace === undefined || each.namespace === namespace) &&
      selects(matchLabels, each.labels),
  );
}

/** `app=reviews,version=v1`. */
export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '(none)' : pairs.join(',');
}
