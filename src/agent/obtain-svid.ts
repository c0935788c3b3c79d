import { parseEnrolmentToken } from '../attestation/enrolment-token.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError, type MeshErrorCode } from '../lib/errors.ts';
import type { Identity } from '../spiffe/identity.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { KeyPair } from '../x509/key-pair.ts';
import type { ClockComparison } from './clock-skew.ts';
import type { ControlPlaneAddress } from './control-plane-address.ts';
import { controlPlaneLink } from './control-plane-link.ts';
import type { IdentityManagerOptions } from './identity-manager.ts';
import { fetchPinnedRoot } from './pinned-root.ts';
import { requestSvid } from './request-svid.ts';

export interface ObtainOptions {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
  /** The enrolment token's text; needed for the first SVID only. */
  readonly token: string | undefined;
  readonly clock: Clock;
  /** Told what time it is at the control plane, with each answer. */
  readonly comparison?: ClockComparison;
}

/** Gets SVIDs from the control plane: the first with the token, later ones with the one before. */
export function obtainSvid(options: ObtainOptions): IdentityManagerOptions['obtain'] {
  return async (current, keys, signal) =>
    current === undefined
      ? enrolWithToken(options, keys, signal)
      : ask(options, { bundle: current.bundle, current, bearer: undefined, keys, signal });
}

async function enrolWithToken(
  options: ObtainOptions,
  keys: KeyPair,
  signal: AbortSignal,
): Promise<Identity> {
  const { token: text, address, clock } = options;
  if (text === undefined) {
    throw new MeshError(
      'ERR_USAGE',
      'no certificate is held and no enrolment token was given; make one with `hauberk token create` and pass its file with --token-file',
    );
  }
  const { rootFingerprint } = parseEnrolmentToken(text);
  const bundle = await fetchPinnedRoot({ address, rootFingerprint, nowMs: clock.now() });
  return ask(options, { bundle, current: undefined, bearer: text.trim(), keys, signal });
}

interface Question {
  readonly bundle: TrustBundle;
  readonly current: Identity | undefined;
  readonly bearer: string | undefined;
  readonly keys: KeyPair;
  readonly signal: AbortSignal;
}

async function ask(
  { address, rootNamespace, clock, comparison }: ObtainOptions,
  { bundle, current, bearer, keys, signal }: Question,
): Promise<Identity> {
  const link = controlPlaneLink({ address, bundle, identity: current, rootNamespace });
  const sentAtMs = clock.now();
  try {
    // Lifetime 0: the control plane and the service account decide.
    return await requestSvid({
      link,
      bearer,
      bundle,
      lifetimeS: 0,
      nowMs: sentAtMs,
      signal,
      keys,
      answered: (serverMs) => comparison?.sample({ sentAtMs, receivedAtMs: clock.now(), serverMs }),
    });
  } catch (error) {
    throw withClockNote(error, comparison?.note(clock.now()));
  } finally {
    link.close();
  }
}

const MAY_BE_THE_CLOCK: readonly MeshErrorCode[] = ['ERR_PATH', 'ERR_SVID', 'ERR_UNAUTHENTICATED'];

/** A wrong clock makes good certificates look bad: says so where the clocks are known to differ. */
function withClockNote(error: unknown, note: string | undefined): unknown {
  if (note === undefined || !MeshError.is(error)) return error;
  const tls = error.code === 'ERR_UNREACHABLE' && /expired|not yet valid/.test(error.message);
  if (!tls && !MAY_BE_THE_CLOCK.includes(error.code)) return error;
  return new MeshError(error.code, `${error.message}; ${note}`, { cause: error });
}
