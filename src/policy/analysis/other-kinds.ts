import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import { groupOf, type Resource } from '../../resources/resource.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

/** IST0134, IST0177: ServiceEntries without the addresses that TCP needs, or that say different things of a port. */
export function serviceEntries(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.serviceEntries.flatMap((entry) => {
    const { hosts, ports = [], addresses = [], resolution } = entry.spec;
    const found: Finding[] = [];
    const isTcp = ports.some(({ protocol = 'TCP' }) => /^(?:tcp|)$/i.test(protocol));
    const allocated = (entry.status as { readonly addresses?: unknown } | undefined)?.addresses;
    const hasAddresses = addresses.length > 0 || (Array.isArray(allocated) && allocated.length > 0);
    if (isTcp && !hasAddresses && resolution !== 'DYNAMIC_DNS') {
      const message =
        'addresses are needed to tell connections to a TCP port of the service from others';
      found.push({ code: 'IST0134', resource: entry, message });
    }
    for (const { number, protocol = 'TCP' } of ports) {
      const other = mesh.serviceEntries.find(
        ({ metadata, spec }) =>
          spec !== entry.spec &&
          seeEachOther(metadata, spec, entry) &&
          spec.hosts.some((host) => hosts.includes(host)) &&
          (spec.ports ?? []).some(
            (port) =>
              port.number === number &&
              (port.protocol ?? 'TCP').toUpperCase() !== protocol.toUpperCase(),
          ),
      );
      if (other === undefined) continue;
      const message = `port ${number} is ${protocol}, and ServiceEntry ${other.metadata.namespace}/${other.metadata.name} says otherwise of the same host`;
      found.push({ code: 'IST0177', resource: entry, message });
    }
    return found;
  });
}

/** Whether there is a namespace in which both entries are known. */
function seeEachOther(
  metadata: ServiceEntry['metadata'],
  spec: ServiceEntry['spec'],
  other: ServiceEntry,
): boolean {
  const scopes = scopesOf(metadata, spec);
  const others = scopesOf(other.metadata, other.spec);
  return scopes.has('*') || others.has('*') || !scopes.isDisjointFrom(others);
}

function scopesOf(
  { namespace = '' }: ServiceEntry['metadata'],
  { exportTo = [] }: ServiceEntry['spec'],
): ReadonlySet<string> {
  if (exportTo.length === 0) return new Set(['*']);
  return new Set(exportTo.map((scope) => (scope === '.' ? namespace : scope)));
}

/** IST0102, IST0103: Pods that are without a sidecar although, or because, of their namespace. */
export function injection(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.namespaces.flatMap((namespace) => {
    const { name, labels = {} } = namespace.metadata;
    const pods = mesh.pods.filter(
      ({ metadata, spec }) =>
        metadata.namespace === name &&
        ![...spec.containers, ...(spec.initContainers ?? [])].some(
          (each) => each.name === 'istio-proxy',
        ),
    );
    if (labels['istio.io/dataplane-mode'] === 'ambient') return [];
    if (labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined) {
      return pods
        .filter(({ metadata, spec }) => {
          const asked = metadata.labels?.[INJECT] ?? metadata.annotations?.[INJECT] ?? '';
          return asked.toLowerCase() !== 'false' && spec.hostNetwork !== true;
        })
        .map((pod): Finding => {
          const message = `Pod ${name}/${pod.metadata.name} has no sidecar although its namespace asks for one; start it again`;
          return { code: 'IST0103', resource: pod, message };
        });
    }
    const isOurs = mesh.workloadEntries.some(({ metadata }) => metadata.namespace === name);
    const isSystem = [mesh.settings.rootNamespace, 'kube-system', 'kube-public'].includes(name);
    if (pods.length === 0 || isOurs || isSystem || labels['istio-injection'] !== undefined)
      return [];
    const message = `the namespace ${name} has Pods and no label that asks for sidecars (istio-injection=enabled, or disabled to say so on purpose)`;
    return [{ code: 'IST0102', resource: namespace, message } satisfies Finding];
  });
}

const INJECT = 'sidecar.istio.io/inject';

const BLOCKED = 'BLOCKED_CIDRS_IN_JWKS_URIS';

interface Container {
  readonly env?: readonly { readonly name?: string; readonly value?: string }[];
}

/** IST0175: keys are fetched from anywhere by an istiod that blocks nothing. Hauberk's own blocks by itself. */
export function unrestrictedKeys(mesh: AnalyzedMesh): readonly Finding[] {
  const istiod = mesh.resources.find(
    ({ kind, metadata }) =>
      kind === 'Deployment' &&
      metadata.labels?.['app'] === 'istiod' &&
      metadata.labels['app.kubernetes.io/name'] !== 'hauberk',
  );
  if (istiod === undefined || mesh.requestAuthentications.length === 0) return [];
  const { template } = (istiod['spec'] ?? {}) as {
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
  const env = (template?.spec?.containers ?? []).flatMap((container) => container.env ?? []);
  if (env.some(({ name, value = '' }) => name === BLOCKED && value !== '')) return [];
  const message = `RequestAuthentications have istiod fetch keys, and it does so from any address: ${BLOCKED} is not set`;
  return [{ code: 'IST0175', resource: istiod, message }];
}

/** Of kinds that are not Istio's, the conditions that say something of the mesh. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  Service: ['istio.io/WaypointBound'],
  Gateway: ['Accepted', 'Programmed', 'ResolvedRefs'],
  HTTPRoute: ['Accepted', 'Programmed', 'ResolvedRefs'],
  GRPCRoute: ['Accepted', 'Programmed', 'ResolvedRefs'],
};

interface Condition {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

/** IST0171: conditions by which a controller says that something is not as it should be. */
export function negativeConditions(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.resources.flatMap((resource) => {
    return conditionsOf(resource['status'])
      .filter((each) => isNegative(resource, each))
      .map(({ type, status, reason = '', message = '' }): Finding => {
        const text = `the condition ${type} is ${status}: ${reason} ${message}`;
        return { code: 'IST0171', resource, message: text.trim() };
      });
  });
}

interface Status {
  readonly conditions?: unknown;
  /** Of routes, those that each Gateway gave. */
  readonly parents?: unknown;
}

function conditionsOf(status: unknown): readonly Condition[] {
  const { conditions, parents } = (status ?? {}) as Status;
  const lists = [conditions, ...objectsOf(parents).map((each) => (each as Status).conditions)];
  return lists.flatMap(objectsOf);
}

function objectsOf(value: unknown): readonly object[] {
  return Array.isArray(value)
    ? value.filter((each) => typeof each === 'object' && each !== null)
    : [];
}

function isNegative({ apiVersion, kind }: Resource, condition: Condition): boolean {
  const { type, status, reason } = condition;
  const group = groupOf(apiVersion);
  const isIstios = group.endsWith('.istio.io');
  if (isIstios && type === 'WaypointAccepted' && reason === 'PartiallyInvalid') return true;
  if (status !== 'False') return false;
  if (isIstios) return true;
  if (group !== '' && group !== 'gateway.networking.k8s.io') return false;
  return CONDITIONS[kind]?.includes(String(type)) === true;
}
