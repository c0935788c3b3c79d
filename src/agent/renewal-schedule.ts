import type { Identity } from '../spiffe/identity.ts';

/** Share of the lifetime after which a certificate is renewed, as Istio's agents do. */
const RENEW_AT = 0.5;
/** Istio's jitter is 0.01 either way; a wider one spreads the renewals of a fleet that started at once. */
const JITTER = 0.05;

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

/** The first moment at which the certificate is no longer valid. */
export function expiresAtMs({ svid }: Identity): number {
  return svid.chain[0]?.notAfterMs ?? 0;
}
