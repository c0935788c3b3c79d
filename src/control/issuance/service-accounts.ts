import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { annotations } from '../../resources/annotations.ts';
import type { Resource } from '../../resources/resource.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';

/** What the control plane asks about the service account behind an identity. */
export interface ServiceAccounts {
  /**
   * The operator's limit on the lifetime of its SVIDs (annotation on the ServiceAccount).
   *
   * @throws {MeshError} ERR_FORBIDDEN when the account does not exist (any more).
   */
  lifetimeCeilingMs(id: SpiffeId): Promise<number | undefined>;
  /** @throws {MeshError} ERR_NOT_FOUND naming what to apply. */
  require(namespace: string, name: string): Promise<Resource>;
}

export function serviceAccounts(store: Store): ServiceAccounts {
  const find = (namespace: string, name: string): Promise<Resource | undefined> =>
    store.get({ kind: 'ServiceAccount', namespace, name });
  return {
    async lifetimeCeilingMs(id) {
      const { workload } = id;
      const account = workload && (await find(workload.namespace, workload.serviceAccount));
      if (account === undefined) {
        throw new MeshError('ERR_FORBIDDEN', `there is no ServiceAccount for "${id}" (any more)`);
      }
      const text = account.metadata.annotations?.[annotations.svidLifetime];
      return text === undefined ? undefined : parseDuration(text);
    },
    async require(namespace, name) {
      const account = await find(namespace, name);
      if (account !== undefined) return account;
      throw new MeshError(
        'ERR_NOT_FOUND',
        `ServiceAccount "${namespace}/${name}" does not exist; apply it first`,
      );
    },
  };
}
