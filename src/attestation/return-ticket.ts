import { createHash, randomBytes } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';

/**
 * What an agent shows to come back: `hbr1.<id>.<secret>.<successor>.<place>`. The secret is used up by
 * it, and the successor is the hash of the one that the agent will show the next time.
 */
export interface TicketUse {
  readonly id: string;
  readonly secret: string;
  /** SHA-256, lower-case hex. */
  readonly successorHash: string;
  /** SHA-256 of what names machine and state directory, lower-case hex. */
  readonly place: string;
}

const GRAMMAR = /^hbr1\.([a-f0-9]{16})\.([A-Za-z0-9_-]{43})\.([a-f0-9]{64})\.([a-f0-9]{64})$/;
const HASH = /^[a-f0-9]{64}$/;

/** Nobody can guess it: 256 random bits. */
export function newTicketSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What the control plane has of a secret. A plain hash suffices: the secret is 256 random bits. */
export function ticketHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function isTicketHash(text: string): boolean {
  return HASH.test(text);
}

export function formatTicketUse({ id, secret, successorHash, place }: TicketUse): string {
  return `hbr1.${id}.${secret}.${successorHash}.${place}`;
}

/** @throws {MeshError} ERR_UNAUTHENTICATED; the text is a secret and is not quoted. */
export function parseTicketUse(text: string): TicketUse {
  const [, id, secret, successorHash, place] = GRAMMAR.exec(text) ?? [];
  if (id && secret && successorHash && place) return { id, secret, successorHash, place };
  throw new MeshError('ERR_UNAUTHENTICATED', 'the return ticket is not in the form hbr1.…');
}
