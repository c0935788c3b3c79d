import type { Identity } from '../../spiffe/identity.ts';

/** Share of the lifetime after which a certificate is renewed, as Istio's agents do. */
const RENEW_AT = 0.5;
/** Istio's jitter is 0.01 either way; a wider one spreads the renewals of a fleet that started at once. */
const JITTER = 0.05;
const AGAIN_AFTER_MS = 1_000;

/**
 * When to renew: half of the lifetime, counted from the issue and not from the back-dated
 * `notBefore`, moved by up to 5 % either way.
 *
 * @param random uniform in [0, 1)
 */
export function renewAtMs({ svid, issuedAtMs }: Identity, random: () => number): number {
  const notAfterMs = svid.chain[0]?.notAfterMs ?? issuedAtMs;
  return renewalOf({ issuedAtMs, notAfterMs }, random);
}

/** The same for a certificate of which only the times are known. */
export function renewalOf(
  { issuedAtMs, notAfterMs }: { readonly issuedAtMs: number; readonly notAfterMs: number },
  random: () => number,
): number {
  const lifetimeMs = notAfterMs - issuedAtMs;
  const share = RENEW_AT + (random() * 2 - 1) * JITTER;
  return issuedAtMs + lifetimeMs * share;
}

/** Who signs now, and how soon what others have signed is to be renewed. */
export interface WantedSigner {
  /** Serial of its certificate. */
  readonly signer: string;
  readonly withinMs: number;
}

/**
 * In how long an SVID that another key has signed is to be renewed: at some moment of the window, so
 * that not everybody comes at once. Infinite for one that the wanted key has signed.
 *
 * @param random uniform in [0, 1)
 */
export function outdatedInMs(
  { svid }: Identity,
  wanted: WantedSigner | undefined,
  random: () => number,
): number {
  const right = wanted === undefined || svid.chain[1]?.serial === wanted.signer;
  return right ? Number.POSITIVE_INFINITY : random() * wanted.withinMs;
}

/** When to renew what was received now, by its age and by who signed it. */
export function nextRenewalAtMs(
  identity: Identity,
  about: {
    readonly wanted: WantedSigner | undefined;
    readonly random: () => number;
    readonly nowMs: number;
  },
): number {
  const { wanted, random, nowMs } = about;
  // Should the control plane go on with the old key in spite of what it says, it is not overrun.
  const restMs = Math.max(AGAIN_AFTER_MS, outdatedInMs(identity, wanted, random));
  return Math.min(renewAtMs(identity, random), nowMs + restMs);
}

/** The first moment at which the certificate is no longer valid. */
export function expiresAtMs({ svid }: Identity): number {
  return svid.chain[0]?.notAfterMs ?? 0;
}
