import { hostname } from 'node:os';
import type { DerivedObjects } from '../../apiserver/api-context.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import type { Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';

export interface MeshProcessesOptions {
  readonly store: Pick<Store, 'list'>;
  readonly rootNamespace: string;
  readonly startedAtMs: number;
}

/** Istio's labels, by which people look for the control plane. */
const LABELS = { app: 'istiod', istio: 'pilot', 'app.kubernetes.io/name': 'hauberk' };
const NAME = 'istiod';
const ENTRY_KIND = 'WorkloadEntry.networking.istio.io';
/** One view an object, so that all who watch alike are sent the same bytes. */
const views = new WeakMap<Resource, Resource>();

/** The control plane and the workloads, as the Pods and the Deployment that they would be on Kubernetes. */
export function meshProcesses(options: MeshProcessesOptions): DerivedObjects {
  const { store } = options;
  const all = async (kind: string): Promise<readonly Resource[]> => {
    if (kind === 'Deployment.apps') return [deployment(options)];
    if (kind !== 'Pod') return [];
    const { items } = await store.list(ENTRY_KIND);
    return [controlPlanePod(options), ...items.map(workloadPod)].toSorted((a, b) =>
      placeOf(a) < placeOf(b) ? -1 : 1,
    );
  };
  return {
    async list(definition, namespace) {
      const found = await all(qualifiedKind(definition));
      if (namespace === undefined) return found;
      return found.filter(({ metadata }) => metadata.namespace === namespace);
    },
    source: (definition) =>
      qualifiedKind(definition) === 'Pod' ? { kind: ENTRY_KIND, view: workloadPod } : undefined,
  };
}

/** Whether it is the Pod of the control plane that answers; its labels and name anybody can have. */
export function isControlPlanePod({ metadata }: Resource): boolean {
  return /^istiod-\d+$/.test(metadata.uid ?? '');
}

function placeOf({ metadata: { namespace = '', name } }: Resource): string {
  return `${namespace}\0${name}`;
}

function times(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function controlPlanePod({ rootNamespace, startedAtMs }: MeshProcessesOptions): Resource {
  const creationTimestamp = times(startedAtMs);
  return pod({
    metadata: {
      name: `${NAME}-0`,
      namespace: rootNamespace,
      uid: `${NAME}-${startedAtMs}`,
      labels: LABELS,
      creationTimestamp,
      resourceVersion: '1',
    },
    container: { name: 'discovery', image: 'hauberk' },
    address: '127.0.0.1',
    account: 'hauberk',
    startTime: creationTimestamp,
  });
}

/** A WorkloadEntry is there while its sidecar is connected. */
function workloadPod(entry: Resource): Resource {
  const known = views.get(entry) ?? podOfEntry(entry);
  views.set(entry, known);
  return known;
}

function podOfEntry(entry: Resource): Resource {
  const { spec } = entry as unknown as {
    readonly spec: {
      readonly address?: string;
      readonly serviceAccount?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
  };
  const { name, namespace, uid, creationTimestamp, resourceVersion } = entry.metadata;
  return pod({
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(spec.labels === undefined ? {} : { labels: spec.labels }),
    },
    // Of the workload itself nothing is known but its sidecar, under the name that Istio's has.
    container: { name: 'istio-proxy', image: 'hauberk' },
    address: spec.address ?? '',
    account: spec.serviceAccount ?? 'default',
    startTime: creationTimestamp,
  });
}

function pod(of: {
  readonly metadata: Resource['metadata'];
  readonly container: { readonly name: string; readonly image: string };
  readonly address: string;
  readonly account: string;
  readonly startTime: string | undefined;
}): Resource {
  const { metadata, container, address, account, startTime } = of;
  const running = { state: { running: startTime === undefined ? {} : { startedAt: startTime } } };
  const since = startTime === undefined ? {} : { lastTransitionTime: startTime };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      containers: [container],
      nodeName: hostname(),
      serviceAccountName: account,
      restartPolicy: 'Always',
    },
    status: {
      phase: 'Running',
      ...(address === '' ? {} : { podIP: address }),
      ...(startTime === undefined ? {} : { startTime }),
      conditions: [{ type: 'Ready', status: 'True', ...since }],
      containerStatuses: [
        { ...container, ...running, ready: true, started: true, restartCount: 0 },
      ],
    },
  };
}

function deployment({ rootNamespace, startedAtMs }: MeshProcessesOptions): Resource {
  const creationTimestamp = times(startedAtMs);
  const one = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: NAME,
      namespace: rootNamespace,
      // The same after a restart, so that its events are found.
      uid: `${NAME}-deployment`,
      labels: LABELS,
      generation: 1,
      creationTimestamp,
      resourceVersion: '1',
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: LABELS.app } },
      template: {
        metadata: { labels: LABELS },
        spec: { containers: [{ name: 'discovery', image: 'hauberk' }] },
      },
    },
    status: {
      ...one,
      observedGeneration: 1,
      conditions: [{ type: 'Available', status: 'True', lastTransitionTime: creationTimestamp }],
    },
  };
}
