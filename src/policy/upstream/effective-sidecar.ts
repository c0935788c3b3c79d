import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import { selects } from '../label-selector.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { oldestFirst } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';

/**
 * The Sidecar that holds for a workload (istio-semantics 6): the oldest of its namespace that selects it, else
 * the oldest of its namespace without selector, else the oldest of the root namespace without selector.
 * They are never merged. Undefined: nothing is narrowed.
 */
export function effectiveSidecar(
  sidecars: readonly Sidecar[],
  { namespace, labels }: Pick<Workload, 'namespace' | 'labels'>,
  { rootNamespace }: Pick<MeshSettings, 'rootNamespace'>,
): Sidecar | undefined {
  const byAge = sidecars.toSorted(oldestFirst);
  const own = byAge.filter(({ metadata }) => metadata.namespace === namespace);
  return (
    own.find(({ spec }) => isForSome(spec) && selects(spec.workloadSelector?.labels, labels)) ??
    own.find(({ spec }) => !isForSome(spec)) ??
    byAge.find(({ metadata, spec }) => metadata.namespace === rootNamespace && !isForSome(spec))
  );
}

function isForSome({ workloadSelector }: Sidecar['spec']): boolean {
  return Object.keys(workloadSelector?.labels ?? {}).length > 0;
}
