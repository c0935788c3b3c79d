import type { Resource } from '../../resources/resource.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, labelText, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding, FindingCode } from './finding.ts';

type Labels = Readonly<Record<string, string>>;

/** A resource that is for the workloads of its namespace with some labels, or for all of them. */
interface Scoped {
  readonly resource: Pick<Resource, 'kind' | 'metadata'>;
  readonly labels: Labels;
}

/** IST0110, IST0111, IST0101, IST0167: Sidecars for the same workloads, for none, or for ambient ones. */
export function sidecars(mesh: AnalyzedMesh): readonly Finding[] {
  const ambient = ambientOf(mesh);
  const scoped = mesh.sidecars.map((resource) => ({
    resource,
    labels: resource.spec.workloadSelector?.labels ?? {},
  }));
  const ineffective = scoped.filter((each) => ambient.isFor(each));
  const others = scoped.filter((each) => !ineffective.includes(each));
  return [
    ...ineffective.map(({ resource }): Finding => {
      const message =
        'the policy has no effect: its workloads are in ambient mode, without sidecars';
      return { code: 'IST0167', resource, message };
    }),
    ...conflicts(mesh, others, { what: 'Sidecars', overlapping: 'IST0110', general: 'IST0111' }),
  ];
}

/** IST0159, IST0160, IST0101: Telemetries for the same workloads or for none. */
export function telemetries(mesh: AnalyzedMesh): readonly Finding[] {
  const scoped = mesh.telemetries
    .filter(({ spec }) => spec.targetRef === undefined && (spec.targetRefs ?? []).length === 0)
    .map((resource) => ({ resource, labels: resource.spec.selector?.matchLabels ?? {} }));
  return conflicts(mesh, scoped, {
    what: 'Telemetries',
    overlapping: 'IST0159',
    general: 'IST0160',
  });
}

function conflicts(
  mesh: AnalyzedMesh,
  scoped: readonly Scoped[],
  words: {
    readonly what: string;
    readonly overlapping: FindingCode;
    readonly general: FindingCode;
  },
): readonly Finding[] {
  return scoped.flatMap((one): Finding[] => {
    const { resource, labels } = one;
    const { namespace = '' } = resource.metadata;
    const here = scoped.filter((each) => each.resource.metadata.namespace === namespace);
    if (isForAll(one)) {
      const others = here.filter(isForAll);
      if (others.length < 2) return [];
      const message = `the ${words.what} ${namesOf(others)} of namespace ${namespace} have no selector, so which one counts is undefined`;
      return [{ code: words.general, resource, message }];
    }
    const picked = selectedWorkloads(mesh, labels, namespace);
    if (picked.length === 0) {
      const message = `referenced selector not found: "${labelText(labels)}"`;
      return [{ code: 'IST0101', resource, message }];
    }
    for (const workload of picked) {
      const others = here.filter(
        (each) => !isForAll(each) && selects(each.labels, workload.labels),
      );
      if (others.length < 2) continue;
      const message = `the ${words.what} ${namesOf(others)} of namespace ${namespace} select the same workload ${workload.name}, so which one counts is undefined`;
      return [{ code: words.overlapping, resource, message }];
    }
    return [];
  });
}

const MODE = 'istio.io/dataplane-mode';

/** Which workloads have no sidecar, since they, or their namespaces, are in ambient mode. */
function ambientOf(mesh: AnalyzedMesh): { readonly isFor: (scoped: Scoped) => boolean } {
  const namespaces = new Set(
    mesh.namespaces
      .filter(({ metadata: { labels = {} } }) => {
        const isInjected =
          labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined;
        return labels[MODE] === 'ambient' && !isInjected;
      })
      .map(({ metadata }) => metadata.name),
  );
  const pods = mesh.pods.filter(({ metadata }) => {
    const mode = metadata.labels?.[MODE];
    if (metadata.annotations?.['ambient.istio.io/redirection'] === 'enabled') return true;
    return mode === 'ambient' || (mode !== 'none' && namespaces.has(metadata.namespace ?? ''));
  });
  return {
    isFor: (scoped) => {
      const { namespace = '' } = scoped.resource.metadata;
      if (isForAll(scoped)) return namespaces.has(namespace);
      return pods.some(
        ({ metadata }) =>
          metadata.namespace === namespace && selects(scoped.labels, metadata.labels ?? {}),
      );
    },
  };
}

function isForAll({ labels }: Scoped): boolean {
  return Object.keys(labels).length === 0;
}

function namesOf(scoped: readonly Scoped[]): string {
  return scoped.map(({ resource }) => resource.metadata.name).join(', ');
}
