import type { WorkloadRegistration } from '../../resources/kinds/workload-registration.ts';
import { keyOf, keyText } from '../../resources/resource.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import { REGISTRATION_KIND } from '../issuance/delegation.ts';

/**
 * Takes away by what agents would obtain a revoked identity again by themselves. Whoever wants it
 * served again applies the registrations anew. Returns their names.
 *
 * @throws {MeshError} ERR_STORE, and then all are still there.
 */
export async function removeRegistrations(
  options: {
    readonly store: Pick<Store, 'list' | 'commit' | 'version'>;
    readonly events: Pick<ControlEvents, 'resourcesChanged'>;
  },
  { workload }: SpiffeId,
  actor: string,
): Promise<readonly string[]> {
  const { store, events } = options;
  if (workload === undefined) return [];
  const { items } = await store.list(REGISTRATION_KIND, workload.namespace);
  const doomed = items.filter(
    (resource) =>
      (resource as WorkloadRegistration).spec.serviceAccount === workload.serviceAccount,
  );
  if (doomed.length === 0) return [];
  await store.commit(doomed.map((resource) => ({ op: 'delete', key: keyOf(resource) })));
  const resourceVersion = String(store.version);
  const changes = doomed.map((resource) => ({
    ...{ key: keyOf(resource), action: 'deleted' as const, resourceVersion },
  }));
  events.resourcesChanged({ actor, changes });
  return doomed.map((resource) => keyText(keyOf(resource)));
}
