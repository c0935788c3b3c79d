import type { Deployment } from '../../resources/kinds/deployment.ts';
import type { Pod } from '../../resources/kinds/pod.ts';
import type { ServiceAccount } from '../../resources/kinds/service-account.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { workloadLabels } from '../upstream/service-endpoint.ts';
import type { Workload } from '../workload.ts';

/** A workload that somebody wrote or that runs. */
export interface InventoryWorkload extends Workload {
  readonly kind: 'Pod' | 'WorkloadEntry' | 'Deployment';
  /** Its own ports, as far as they are known. */
  readonly ports: readonly number[];
  readonly namedPorts: Readonly<Record<string, number>>;
  /** Whether it has a proxy, so that policies mean something to it. */
  readonly inMesh: boolean;
}

interface WorkloadLists {
  readonly workloadEntries: readonly WorkloadEntry[];
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly pods: readonly Pod[];
  readonly deployments: readonly Deployment[];
}

/** A Pod of Hauberk's own API shows a WorkloadEntry, under its name. */
export function inventoryWorkloads(lists: WorkloadLists): readonly InventoryWorkload[] {
  const entries = lists.workloadEntries.map(entryWorkload);
  const taken = new Set(entries.map(({ namespace, name }) => `${namespace}/${name}`));
  const pods = lists.pods
    .map(podWorkload)
    .filter((each) => !taken.has(`${each.namespace}/${each.name}`));
  const deployments = lists.deployments
    .map(deploymentWorkload)
    .filter((deployment) => !pods.some((each) => isPodOf(each, deployment)));
  return [...entries, ...pods, ...deployments];
}

function entryWorkload(entry: WorkloadEntry): InventoryWorkload {
  const { namespace = '', name } = entry.metadata;
  const namedPorts = entry.spec.ports ?? {};
  return {
    kind: 'WorkloadEntry',
    namespace,
    name,
    labels: workloadLabels(entry),
    serviceAccount: entry.spec.serviceAccount ?? 'default',
    ports: Object.values(namedPorts),
    namedPorts,
    inMesh: true,
  };
}

const INJECT = 'sidecar.istio.io/inject';
const PROXY = 'istio-proxy';

type PodSpec = Pod['spec'] | undefined;

function podWorkload({ metadata, spec }: Pod): InventoryWorkload {
  const { namespace = '', name, labels = {} } = metadata;
  return { kind: 'Pod', namespace, name, labels, ...ofPodSpec(spec, metadata) };
}

function deploymentWorkload({ metadata, spec }: Deployment): InventoryWorkload {
  const { namespace = '', name } = metadata;
  const template = spec?.template;
  const labels = template?.metadata?.labels ?? {};
  const annotations = template?.metadata?.annotations ?? {};
  return {
    kind: 'Deployment',
    namespace,
    name,
    labels,
    ...ofPodSpec(template?.spec, { labels, annotations }),
  };
}

function ofPodSpec(
  spec: PodSpec,
  { labels = {}, annotations = {} }: Pick<Pod['metadata'], 'labels' | 'annotations'>,
): Pick<InventoryWorkload, 'serviceAccount' | 'ports' | 'namedPorts' | 'inMesh'> {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers.flatMap(({ name, ports: own }) => (name === PROXY ? [] : (own ?? [])));
  const asked = labels[INJECT] ?? annotations[INJECT];
  return {
    serviceAccount: spec?.serviceAccountName ?? 'default',
    ports: ports.map(({ containerPort }) => containerPort),
    namedPorts: Object.fromEntries(
      ports.flatMap(({ name, containerPort }) =>
        name === undefined ? [] : [[name, containerPort]],
      ),
    ),
    inMesh: asked !== 'false' || containers.some(({ name }) => name === PROXY),
  };
}

function isPodOf(pod: InventoryWorkload, deployment: InventoryWorkload): boolean {
  return (
    pod.namespace === deployment.namespace &&
    Object.entries(deployment.labels).every(([key, value]) => pod.labels[key] === value)
  );
}
