import { formatTicketUse, newTicketSecret, ticketHash } from '../../attestation/return-ticket.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { ReturnTicketFile, StoredTicket } from './return-ticket-file.ts';

export interface ReturnOptions {
  readonly file: Pick<ReturnTicketFile, 'write'>;
  /** What names this machine and state directory, SHA-256 in lower-case hex. */
  readonly place: string;
  /** Asks for an SVID with this bearer text. */
  readonly ask: (bearer: string) => Promise<Identity>;
}

/** An answer that is lost again and again must not make the file grow. */
const MOST_SECRETS = 8;

/**
 * Comes back with the ticket. Each use replaces the secret by one that is chosen, and on the disk,
 * before it is sent; so a crash or a lost answer at any moment leaves a file by which the next
 * attempt finds out what the control plane knows, without ever showing a secret twice: the newest
 * is tried first, and what was never heard of is harmless.
 *
 * @throws {MeshError} ERR_NOT_FOUND when no secret is known any more, else as `ask` does.
 */
export async function returnWithTicket(
  ticket: StoredTicket,
  { file, place, ask }: ReturnOptions,
): Promise<Identity> {
  const secrets =
    ticket.secrets.length < MOST_SECRETS ? [...ticket.secrets, newTicketSecret()] : ticket.secrets;
  const keep = (some: readonly string[]): void => {
    const [first, ...others] = some;
    if (first !== undefined) file.write({ ...ticket, secrets: [first, ...others] });
  };
  keep(secrets);
  for (let at = secrets.length - 2; at >= 0; at -= 1) {
    const [secret = '', successor = ''] = secrets.slice(at, at + 2);
    const use = { id: ticket.id, secret, successorHash: ticketHash(successor), place };
    try {
      const identity = await ask(formatTicketUse(use));
      keep([successor]);
      return identity;
    } catch (error) {
      if (!MeshError.is(error, 'ERR_NOT_FOUND')) {
        // Whether this one was heard is not known; those after it were not.
        keep(secrets.slice(0, at + 2));
        throw error;
      }
    }
  }
  throw new MeshError(
    'ERR_NOT_FOUND',
    `the control plane does not know the return ticket ${ticket.id} (any more); make a new token with \`hauberk token create\``,
  );
}
