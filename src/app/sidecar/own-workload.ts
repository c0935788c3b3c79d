import { hostname, networkInterfaces } from 'node:os';
import { MeshError } from '../../lib/errors.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { Workload } from '../../policy/workload.ts';
import { annotations } from '../../resources/annotations.ts';
import type { ServiceAccount } from '../../resources/kinds/service-account.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { outsideAddress } from './outside-address.ts';
import type { SidecarConfig } from './sidecar-config.ts';

/**
 * What a sidecar is to the policies: its name, and the labels of its service account, which change
 * with the facts.
 *
 * @throws {MeshError} ERR_SVID when the identity is not that of a service account.
 */
export function ownWorkload(
  id: SpiffeId,
  name: string | undefined,
  facts: Watchable<MeshFacts>,
): Watchable<Workload> {
  if (id.workload === undefined) {
    throw new MeshError('ERR_SVID', `"${id}" is not the identity of a service account`);
  }
  const { namespace, serviceAccount } = id.workload;
  const fixed = { namespace, serviceAccount, name: name ?? defaultName(serviceAccount) };
  const of = (present: MeshFacts): Workload => ({
    ...fixed,
    labels: ownAccount(present, fixed)?.metadata.labels ?? {},
  });
  const workload = new WatchableValue(of(facts.current));
  facts.subscribe((next) => {
    const fresh = of(next);
    if (JSON.stringify(fresh.labels) !== JSON.stringify(workload.current.labels))
      workload.set(fresh);
  });
  return workload;
}

/** Calls `changed` when the operator changes how long this workload's SVIDs last. */
export function onLifetimeChange(
  facts: Watchable<MeshFacts>,
  workload: Workload,
  changed: () => void,
): void {
  facts.subscribe((next, previous) => {
    const [now, before] = [ownAccount(next, workload), ownAccount(previous, workload)];
    if (before === undefined || now === undefined) return;
    if (lifetimeOf(now) !== lifetimeOf(before)) changed();
  });
}

/** The address under which peers know a workload that listens on `hbone`. */
export function advertisedHost({
  advertise,
  hbone,
}: Pick<SidecarConfig, 'advertise' | 'hbone'>): string {
  if (advertise.host !== undefined) return advertise.host;
  if (!['0.0.0.0', '::'].includes(hbone.host)) return hbone.host;
  return outsideAddress(networkInterfaces());
}

function ownAccount(
  { serviceAccounts }: MeshFacts,
  { namespace, serviceAccount }: Pick<Workload, 'namespace' | 'serviceAccount'>,
): ServiceAccount | undefined {
  return serviceAccounts.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === serviceAccount,
  );
}

function lifetimeOf({ metadata }: ServiceAccount): string | undefined {
  return metadata.annotations?.[annotations.svidLifetime];
}

/** A host name may have what an object's name may not. */
function defaultName(serviceAccount: string): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return host === '' ? serviceAccount : `${serviceAccount}-${host}`;
}
