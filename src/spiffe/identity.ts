import type { TrustBundle } from './trust-bundle.ts';
import type { X509Svid } from './x509-svid.ts';

/** What a workload has: its SVID and whom it is to trust, swapped together. */
export interface Identity {
  readonly svid: X509Svid;
  readonly bundle: TrustBundle;
  /**
   * The bundles of other trust domains that are believed, each for identities of its own domain
   * only, ordered by name. Default: none.
   */
  readonly federated?: readonly TrustBundle[];
  /** When the agent received it, in milliseconds since 1970; rotation counts from here. */
  readonly issuedAtMs: number;
}
