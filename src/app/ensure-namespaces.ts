import type { Resource } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';

/** Makes the namespaces that are missing, each with its default ServiceAccount. */
export async function ensureNamespaces(store: Store, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if ((await store.get({ kind: 'Namespace', name })) !== undefined) continue;
    const status = { phase: 'Active' };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status };
    await store.commit([
      { op: 'put', resource: namespace },
      { op: 'put', resource: defaultAccount(name) },
    ]);
  }
}

/** Every namespace has an account named `default`, as in Kubernetes. */
function defaultAccount(namespace: string): Resource {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'default' } };
}
