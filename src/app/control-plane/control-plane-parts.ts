import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import type { StoredEvents } from '../../control/happenings/stored-events.ts';
import type { IssuanceLedger } from '../../control/issuance/issuance-ledger.ts';
import type { Revocations } from '../../control/revocation/revocations.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import type { Store } from '../../store/store.ts';
import type { ControlPlaneConfig } from './control-plane-config.ts';
import type { ControlPlaneMonitoring } from './control-plane-monitoring.ts';
import type { OpenAuthority } from './open-authority.ts';
import type { TokenAuthority } from './token-authority.ts';

/** What a control plane is made of before it serves anybody. */
export interface ControlPlaneParts {
  readonly config: ControlPlaneConfig;
  readonly store: Store;
  /** Those built in, and those that people define. */
  readonly kinds: KindRegistry;
  readonly ledger: IssuanceLedger;
  readonly revocations: Revocations;
  readonly opened: OpenAuthority;
  /** The one that was opened. */
  readonly authority: CertificateAuthority;
  readonly tokenAuthority: TokenAuthority;
  readonly events: ControlEvents;
  /** Takes down what `kubectl events` shows. */
  readonly recorder: StoredEvents;
  readonly monitoring: ControlPlaneMonitoring;
  readonly clock: Clock;
}
