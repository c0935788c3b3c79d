import { formatDuration } from './duration.ts';
import { MeshError } from './errors.ts';

/** The claims of RFC 7519 4.1 that say for whom and until when a token is. */
export interface RegisteredClaims {
  /** At least one. */
  readonly audience: readonly string[];
  readonly expiresAtMs: number;
}

export interface ClaimRules {
  /** Of which the token must name at least one. */
  readonly audiences: readonly string[];
  readonly nowMs: number;
  /** How far the issuer's clock may be ahead for `nbf` and `iat`. Default 60 s. Never for `exp`. */
  readonly skewMs?: number;
}

const SKEW_MS = 60_000;
const LATEST_S = 8_640_000_000_000;

/**
 * Checks `aud`, `exp`, and `nbf` and `iat` where they are there.
 *
 * @throws {MeshError} ERR_JWT with the claim and the time by which it failed.
 */
export function checkRegisteredClaims(
  claims: Readonly<Record<string, unknown>>,
  { audiences, nowMs, skewMs = SKEW_MS }: ClaimRules,
): RegisteredClaims {
  const audience = audienceOf(claims['aud']);
  if (!audiences.some((own) => audience.includes(own))) {
    refuse(`is for ${shown(audience)}, not for ${shown(audiences)}`);
  }
  const expiresAtMs = timeIn(claims, 'exp');
  if (expiresAtMs === undefined) refuse('has no "exp"');
  if (nowMs >= expiresAtMs) refuse(`expired ${formatDuration(nowMs - expiresAtMs)} ago`);
  for (const name of ['nbf', 'iat'] as const) {
    const fromMs = timeIn(claims, name) ?? nowMs;
    if (fromMs - nowMs > skewMs) {
      refuse(`is from the future: its "${name}" is ${formatDuration(fromMs - nowMs)} ahead`);
    }
  }
  return { audience, expiresAtMs };
}

function audienceOf(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (list.length > 0 && list.every((each) => typeof each === 'string' && each !== '')) {
    return list as readonly string[];
  }
  return refuse('has no "aud" that is a text or a list of texts');
}

function timeIn(claims: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value <= LATEST_S) return value * 1_000;
  return refuse(`has a "${name}" that is no time in seconds since 1970`);
}

function shown(audience: readonly string[]): string {
  return audience
    .map((each) => JSON.stringify(each))
    .join(', ')
    .slice(0, 300);
}

function refuse(problem: string): never {
  throw new MeshError('ERR_JWT', `the token ${problem}`);
}
