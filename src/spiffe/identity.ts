import type { TrustBundle } from './trust-bundle.ts';
import type { X509Svid } from './x509-svid.ts';

/** What a workload has: its SVID and the bundle of its own trust domain, swapped together. */
export interface Identity {
  readonly svid: X509Svid;
  readonly bundle: TrustBundle;
  /** When the agent received it, in milliseconds since 1970; rotation counts from here. */
  readonly issuedAtMs: number;
}
