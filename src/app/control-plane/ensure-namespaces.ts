import { companionsOf } from '../../apiserver/writes/namespace-guard.ts';
import type { Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';

/** Makes the namespaces that are missing, each with what goes with every namespace. */
export async function ensureNamespaces(store: Store, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if ((await store.get({ kind: 'Namespace', name })) !== undefined) continue;
    const namespace: Resource = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      status: { phase: 'Active' },
    };
    await store.commit(
      [namespace, ...companionsOf(namespace)].map((resource) => ({ op: 'put', resource })),
    );
  }
}
