import { createClient } from '@connectrpc/connect';
import { newTicketSecret, ticketHash } from '../../attestation/return-ticket.ts';
import { ReturnTicketService } from '../../gen/hauberk/identity/v1/return_ticket_pb.js';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { newest } from '../../lib/newest.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { ControlPlaneAddress } from '../link/control-plane-address.ts';
import { controlPlaneError } from '../link/control-plane-error.ts';
import { controlPlaneLink } from '../link/control-plane-link.ts';
import type { ReturnTicketFile, StoredTicket } from './return-ticket-file.ts';

export interface KeepOptions {
  readonly identity: Watchable<Identity>;
  readonly file: ReturnTicketFile;
  readonly place: string;
  /** Of the enrolment token that was given, SHA-256. */
  readonly enrolledWith: string | undefined;
  readonly call: (identity: Identity, request: KeepCall) => Promise<KeptTicket>;
  readonly clock: Clock;
  readonly events: {
    ticketFailed(event: { readonly reason: string; readonly retryInMs: number }): void;
  };
}

export interface KeepCall {
  /** '' asks for a new one. */
  readonly ticketId: string;
  readonly secretSha256: string;
  readonly place: string;
}

export interface KeptTicket {
  /** '' when the operator wants no tickets. */
  readonly ticketId: string;
  readonly expiresAtMs: number;
}

const RETRY = { firstMs: 1_000, maxMs: 600_000 };
/** Certificates that live for seconds do not need a ticket for each of them. */
const REST_MS = 60_000;

/** Has a return ticket on the disk that is good for the newest certificate, with retries. */
export function keepReturnTicket(options: KeepOptions): Task {
  const { identity, clock, events } = options;
  return async (signal) => {
    let done: Identity['svid'] | undefined;
    const stop = identity.subscribe((next, before) => {
      if (!next.bundle.hasContentOf(before.bundle)) keepRoots(next, options);
    });
    for await (const current of newest(identity, signal)) {
      if (current.svid === done) continue;
      for (let failures = 1; !signal.aborted; failures += 1) {
        try {
          await keepOnce(identity.current, options);
          done = identity.current.svid;
          await clock.sleep(REST_MS, signal);
          break;
        } catch (error) {
          const retryInMs = backoffMs(failures, RETRY);
          events.ticketFailed({ reason: messageOf(error), retryInMs });
          await clock.sleep(retryInMs, signal);
        }
      }
    }
    stop();
  };
}

/** At once: who crashes after the root was replaced would not know the control plane any more. */
function keepRoots({ bundle }: Identity, { file, events }: KeepOptions): void {
  try {
    const present = file.read();
    if (present !== undefined) file.write({ ...present, roots: bundle.toPem() });
  } catch (error) {
    events.ticketFailed({ reason: messageOf(error), retryInMs: REST_MS });
  }
}

async function keepOnce(
  identity: Identity,
  { file, place, call, enrolledWith }: KeepOptions,
): Promise<void> {
  const present = file.read();
  // The newest: while it is not known which one the control plane has, it may be told.
  const secret = present?.secrets.at(-1) ?? newTicketSecret();
  const request = { ticketId: present?.id ?? '', secretSha256: ticketHash(secret), place };
  const { ticketId, expiresAtMs } = await call(identity, request);
  if (ticketId === '') return file.remove();
  const { bundle } = identity;
  const ticket: StoredTicket = {
    id: ticketId,
    secrets: [secret],
    trustDomain: bundle.trustDomain.name,
    roots: bundle.toPem(),
    enrolledWith: present === undefined ? enrolledWith : present.enrolledWith,
    expiresAtMs,
  };
  file.write(ticket);
}

const CALL_TIMEOUT_MS = 10_000;

/** The call, with the present certificate as proof. */
export function keepTicketCall(link: {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
}): KeepOptions['call'] {
  return async (identity, request) => {
    const { transport, close } = controlPlaneLink({ ...link, bundle: identity.bundle, identity });
    try {
      const client = createClient(ReturnTicketService, transport);
      const answer = await client.keepReturnTicket(request, { timeoutMs: CALL_TIMEOUT_MS });
      return { ticketId: answer.ticketId, expiresAtMs: Number(answer.expiresAtMs) };
    } catch (error) {
      throw controlPlaneError(error);
    } finally {
      close();
    }
  };
}
