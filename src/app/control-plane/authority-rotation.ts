import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { type BundlePublisher, bundlePublisher } from '../../control/bundles/bundle-publisher.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import type { Distribution } from '../../control/distribution/distribution.ts';
import type { IssuanceLedger } from '../../control/issuance/issuance-ledger.ts';
import type { CrlPublisher } from '../../control/revocation/crl-publisher.ts';
import type { Revocations } from '../../control/revocation/revocations.ts';
import { rotationEvidence } from '../../control/rotation/rotation-evidence.ts';
import { rotationRoutes } from '../../control/rotation/rotation-routes.ts';
import { RENEW_WITHIN_MS, RotationService } from '../../control/rotation/rotation-service.ts';
import { controlPlaneId } from '../../control/server-identity.ts';
import type { ServedClients } from '../../control/workloads/served-clients.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { Store } from '../../store/store.ts';
import type { FederationConfig } from './federation.ts';
import type { OpenAuthority } from './open-authority.ts';

export type { RotationStatus } from '../../control/rotation/rotation-status.ts';

/** How often it is looked whether the plug-in CA is to be read again. */
const RELOAD_MS = 500;

export interface AuthorityRotationParts {
  readonly config: Pick<FederationConfig, 'bundleEndpoint'>;
  readonly opened: OpenAuthority;
  readonly store: Store;
  readonly distribution: Distribution;
  readonly served: ServedClients;
  readonly ledger: IssuanceLedger;
  readonly revocations: Revocations;
  readonly events: ControlEvents;
  readonly clock: Clock;
  readonly rootNamespace: string;
  readonly lists: CrlPublisher;
  /** What agents are to trust, with whatever is in it beside the authority's roots. */
  readonly bundle: Watchable<TrustBundle>;
}

/** The rotation of the authority, joined. */
export interface AuthorityRotationRig {
  readonly publisher: BundlePublisher;
  readonly routes: OperatorRoutes;
  readonly tasks: readonly Task[];
  /**
   * For SIGHUP: what goes wrong is told as an event. While another rotation is under way it is tried
   * again until that has ended, since nobody sends the signal twice.
   */
  readonly reload: () => void;
}

export function authorityRotation(parts: AuthorityRotationParts): AuthorityRotationRig {
  const { store, distribution, served, ledger, revocations, events, clock, rootNamespace } = parts;
  const { authority, reload } = parts.opened;
  const { trustDomain } = authority;
  const ownId = controlPlaneId(trustDomain, rootNamespace).toString();
  const bundleHintMs = parts.config.bundleEndpoint?.refreshHintMs;
  const about = {
    ...{ authority, distribution, served, bundleHintMs },
    ...{ ledger, revocations, store, clock, ownId },
  };
  const publisher = bundlePublisher({
    ...{ store, bundle: parts.bundle, clock, events },
    renewal: () => renewalOf(authority),
  });
  const service = new RotationService({
    ...{ authority, publisher, lists: parts.lists, revocations, ledger, clock, events },
    evidence: (version) => rotationEvidence(about, version),
  });
  const reloadAs = async (actor: string): Promise<unknown> => {
    const order = { compromised: false, renewWithinMs: RENEW_WITHIN_MS, waived: [] };
    const reloaded = await reload(order);
    if (reloaded.changed === 'root' || reloaded.changed === 'intermediate') service.prepared(actor);
    return reloaded;
  };
  const asked = { reload: false };
  const reloading: Task = async (signal) => {
    while (!signal.aborted) {
      if (asked.reload) {
        // Before it is read: a signal that comes meanwhile is for files that are newer.
        asked.reload = false;
        if (await mustReloadAgain()) asked.reload = true;
      }
      await clock.sleep(RELOAD_MS, signal);
    }
  };
  const mustReloadAgain = async (): Promise<boolean> => {
    try {
      await reloadAs('SIGHUP');
      return false;
    } catch (error) {
      const again = MeshError.is(error, 'ERR_CONFLICT');
      if (!again)
        events.taskFailed({ task: 'read the plug-in CA again', reason: messageOf(error) });
      return again;
    }
  };
  return {
    publisher,
    routes: rotationRoutes({ service, reload: reloadAs }),
    tasks: [publisher.run, parts.lists.run, service.run, reloading],
    reload() {
      asked.reload = true;
    },
  };
}

function renewalOf({ intermediate, slots }: CertificateAuthority) {
  const { rotation } = slots.current;
  const withinMs = rotation.phase === 'retiring' ? rotation.renewWithinMs : RENEW_WITHIN_MS;
  return { signer: intermediate.serial, withinSeconds: withinMs / 1_000 };
}
