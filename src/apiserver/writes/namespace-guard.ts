import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceCall } from '../resource-call.ts';
import { forbidden, notFound, StatusError } from '../status-error.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };

/** @throws {StatusError} NotFound without the namespace, Forbidden while it is going. */
export async function requireNamespace(
  { definition, target, what }: ResourceCall,
  name: string,
  { store }: Pick<ApiContext, 'store'>,
): Promise<void> {
  const { namespace } = target;
  if (!definition.namespaced || namespace === undefined) return;
  const found = await store.get({ kind: 'Namespace', name: namespace });
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const refusal = forbidden(
    what,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  throw new StatusError('Forbidden', refusal.message, {
    ...refusal.status.details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

const DEFAULT_ACCOUNT = 'default';

/** What goes with a resource: every namespace has an account named `default`, as in Kubernetes. */
export function companionsOf(resource: Resource): readonly Resource[] {
  if (resource.kind !== 'Namespace' || resource.apiVersion !== 'v1') return [];
  const metadata = { namespace: resource.metadata.name, name: DEFAULT_ACCOUNT };
  return [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata }];
}

/** Whether a resource is one that goes with its namespace. */
export function isCompanion({ kind, apiVersion, metadata }: Resource): boolean {
  return kind === 'ServiceAccount' && apiVersion === 'v1' && metadata.name === DEFAULT_ACCOUNT;
}
