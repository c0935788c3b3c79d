import { createHash } from 'node:crypto';
import { parseEnrolmentToken } from '../../attestation/enrolment-token.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, type MeshErrorCode, messageOf } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { KeyPair } from '../../x509/key-pair.ts';
import type { ControlPlaneAddress } from '../link/control-plane-address.ts';
import { controlPlaneLink } from '../link/control-plane-link.ts';
import type { ClockComparison } from './clock-skew.ts';
import type { IdentityManagerOptions } from './identity-manager.ts';
import { fetchPinnedRoot } from './pinned-root.ts';
import { requestSvid } from './request-svid.ts';
import type { ReturnTicketFile, StoredTicket } from './return-ticket-file.ts';
import { returnWithTicket } from './return-with-ticket.ts';

export interface ObtainOptions {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
  /** The enrolment token's text; needed for the first SVID only. */
  readonly token: string | undefined;
  readonly clock: Clock;
  /** Lets a sidecar come back that lost its key with its memory. Default: it needs a token then. */
  readonly returning?: ReturnPath | undefined;
  /** Told what time it is at the control plane, with each answer. */
  readonly comparison?: ClockComparison;
}

/** Where a sidecar keeps its return ticket, and where it is. */
export interface ReturnPath {
  readonly file: ReturnTicketFile;
  readonly place: string;
  /** Told why a ticket was of no use. */
  readonly problem: (sentence: string) => void;
}

/** What an SVID is asked for with. */
type Ask = (bundle: TrustBundle, bearer: string) => Promise<Identity>;

/**
 * Gets SVIDs from the control plane: the first with a return ticket of an earlier run or with the
 * token, later ones with the one before. A token that is not the one of the earlier run goes before
 * the ticket: the operator gave it.
 */
export function obtainSvid(options: ObtainOptions): IdentityManagerOptions['obtain'] {
  return async (current, keys, signal) => {
    const askWith: Ask = (bundle, bearer) =>
      ask(options, { bundle, current: undefined, bearer, keys, signal });
    if (current === undefined) return first(options, askWith);
    try {
      const { bundle } = current;
      return await ask(options, { bundle, current, bearer: undefined, keys, signal });
    } catch (error) {
      const ticket = options.returning?.file.read();
      const [leaf] = current.svid.chain;
      const hasEnded = options.clock.now() >= (leaf?.notAfterMs ?? 0);
      if (ticket === undefined || !hasEnded || !isRefusal(error)) throw error;
      return comeBack(ticket, options, askWith);
    }
  };
}

async function first(options: ObtainOptions, askWith: Ask): Promise<Identity> {
  const { token, returning } = options;
  const ticket = returning?.file.read();
  const isNewToken = token !== undefined && tokenHash(token) !== ticket?.enrolledWith;
  if (ticket !== undefined && !isNewToken) {
    try {
      return await comeBack(ticket, options, askWith);
    } catch (error) {
      if (token === undefined || !isRefusal(error)) throw error;
      returning?.problem(messageOf(error));
    }
  }
  const identity = await enrolWithToken(options, askWith);
  // It was the one of the identity before.
  returning?.file.remove();
  return identity;
}

async function comeBack(
  ticket: StoredTicket,
  { returning }: ObtainOptions,
  askWith: Ask,
): Promise<Identity> {
  if (returning === undefined) throw new MeshError('ERR_NOT_FOUND', 'there is no return ticket');
  const bundle = TrustBundle.parsePem(TrustDomain.parse(ticket.trustDomain), ticket.roots);
  return returnWithTicket(ticket, { ...returning, ask: (bearer) => askWith(bundle, bearer) });
}

function isRefusal(error: unknown): boolean {
  const codes: readonly MeshErrorCode[] = [
    ...(['ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN', 'ERR_NOT_FOUND'] as const),
  ];
  return codes.some((code) => MeshError.is(error, code));
}

/** What is kept of the token by which a sidecar enrolled. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token.trim()).digest('hex');
}

async function enrolWithToken(
  { token: text, address, clock }: ObtainOptions,
  askWith: Ask,
): Promise<Identity> {
  if (text === undefined) {
    throw new MeshError(
      'ERR_USAGE',
      'no certificate is held and no enrolment token was given; make one with `hauberk token create` and pass its file with --token-file',
    );
  }
  const { rootFingerprint } = parseEnrolmentToken(text);
  const bundle = await fetchPinnedRoot({ address, rootFingerprint, nowMs: clock.now() });
  return askWith(bundle, text.trim());
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
