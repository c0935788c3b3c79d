import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import type { Resource } from '../../resources/resource.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, labelText, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const labelsOf = ({ spec }: Sidecar) => spec.workloadSelector?.labels ?? {};
const isForAll = (sidecar: Sidecar) => Object.keys(labelsOf(sidecar)).length === 0;

/** IST0110, IST0111, IST0101: Sidecars that are for the same workloads, or for none. */
export function sidecars(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.sidecars.flatMap((sidecar): Finding[] => {
    const { namespace = '' } = sidecar.metadata;
    const here = mesh.sidecars.filter(({ metadata }) => metadata.namespace === namespace);
    if (isForAll(sidecar)) {
      const others = here.filter(isForAll);
      if (others.length < 2) return [];
      const message = `the Sidecars ${namesOf(others)} of namespace ${namespace} have no workload selector, so which one counts is undefined`;
      return [{ code: 'IST0111', resource: sidecar, message }];
    }
    const picked = selectedWorkloads(mesh, labelsOf(sidecar), namespace);
    if (picked.length === 0) {
      const message = `referenced selector not found: "${labelText(labelsOf(sidecar))}"`;
      return [{ code: 'IST0101', resource: sidecar, message }];
    }
    for (const { name, labels } of picked) {
      const others = here.filter((other) => !isForAll(other) && selects(labelsOf(other), labels));
      if (others.length < 2) continue;
      const message = `the Sidecars ${namesOf(others)} of namespace ${namespace} select the same workload ${name}, so which one counts is undefined`;
      return [{ code: 'IST0110', resource: sidecar, message }];
    }
    return [];
  });
}

function namesOf(resources: readonly Pick<Resource, 'metadata'>[]): string {
  return resources.map(({ metadata }) => metadata.name).join(', ');
}

/** IST0134, IST0177: ServiceEntries without the addresses that TCP needs, or that say different things of a port. */
export function serviceEntries(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.serviceEntries.flatMap((entry) => {
    const { hosts, ports = [], addresses = [], resolution } = entry.spec;
    const found: Finding[] = [];
    const isTcp = ports.some(({ protocol = 'TCP' }) => /^(?:tcp|)$/i.test(protocol));
    if (isTcp && addresses.length === 0 && resolution !== 'DYNAMIC_DNS') {
      const message =
        'addresses are needed to tell connections to a TCP port of the service from others';
      found.push({ code: 'IST0134', resource: entry, message });
    }
    for (const { number, protocol = 'TCP' } of ports) {
      const other = mesh.serviceEntries.find(
        ({ spec }) =>
          spec !== entry.spec &&
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

/** IST0102, IST0103: Pods that are without a sidecar although, or because, of their namespace. */
export function injection(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.namespaces.flatMap((namespace) => {
    const { name, labels = {} } = namespace.metadata;
    const pods = mesh.pods.filter(
      ({ metadata, spec }) =>
        metadata.namespace === name && !spec.containers.some((each) => each.name === 'istio-proxy'),
    );
    if (labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined) {
      return pods
        .filter(({ metadata }) => metadata.labels?.['sidecar.istio.io/inject'] !== 'false')
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
  if (istiod === undefined) return [];
  const { template } = (istiod['spec'] ?? {}) as {
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
  const env = (template?.spec?.containers ?? []).flatMap((container) => container.env ?? []);
  if (env.some(({ name, value = '' }) => name === BLOCKED && value !== '')) return [];
  return mesh.requestAuthentications.map((policy) => ({
    code: 'IST0175',
    resource: policy,
    message: `istiod fetches keys from any address: ${BLOCKED} is not set`,
  }));
}

/** IST0171: conditions by which a controller says that something is not as it should be. */
export function negativeConditions(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.resources.flatMap((resource) => {
    if (!/\.istio\.io\/|^gateway\./.test(resource.apiVersion)) return [];
    const { conditions } = (resource['status'] ?? {}) as { readonly conditions?: unknown };
    if (!Array.isArray(conditions)) return [];
    return conditions
      .filter((each) => each?.status === 'False')
      .map(
        ({ type, reason = '', message = '' }): Finding => ({
          code: 'IST0171',
          resource,
          message: `the condition ${type} is False: ${reason} ${message}`.trim(),
        }),
      );
  });
}
