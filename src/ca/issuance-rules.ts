import { formatDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';

/** What the authority grants, whoever asks. */
export interface IssuanceRules {
  /** Lifetime when the request names none, in milliseconds. Default 24 h, as Istio's. */
  readonly defaultLifetimeMs: number;
  /** A longer lifetime is refused rather than shortened, as Istio does. Default 90 days. */
  readonly maxLifetimeMs: number;
}

const HOUR_MS = 3_600_000;
const SHORTEST_MS = 1_000;

export const istioIssuanceRules: IssuanceRules = {
  defaultLifetimeMs: 24 * HOUR_MS,
  maxLifetimeMs: 90 * 24 * HOUR_MS,
};

/** The rules of an authority whose chain ends in `remainingMs`: the default is at most that. */
export function rulesWithin(rules: IssuanceRules, remainingMs: number): IssuanceRules {
  const lastMs = Math.max(SHORTEST_MS, remainingMs);
  return { ...rules, defaultLifetimeMs: Math.min(rules.defaultLifetimeMs, lastMs) };
}

/**
 * The lifetime to grant. Zero, negative or missing asks for the default. `ceilingMs`, an operator's
 * setting for this one workload, shortens whatever was asked.
 *
 * @throws {MeshError} ERR_ISSUANCE when more than the maximum is asked.
 */
export function grantedLifetimeMs(
  rules: IssuanceRules,
  requestedMs: number,
  ceilingMs: number | undefined,
): number {
  if (requestedMs > rules.maxLifetimeMs) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `a lifetime of ${formatDuration(requestedMs)} was asked for, the longest granted is ${formatDuration(rules.maxLifetimeMs)}`,
    );
  }
  const askedMs = requestedMs > 0 ? requestedMs : rules.defaultLifetimeMs;
  return Math.max(SHORTEST_MS, Math.min(askedMs, ceilingMs ?? askedMs));
}
