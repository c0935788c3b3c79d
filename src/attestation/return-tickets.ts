import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AttestedCaller, Attestor, Evidence } from './attestor.ts';
import { parseTicketUse, type TicketUse, ticketHash } from './return-ticket.ts';

/** What is kept of a return ticket. Its secret is not. */
export interface TicketRecord {
  readonly id: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of the account when the ticket was made: an account of the same name may be another one. */
  readonly accountUid: string;
  readonly place: string;
  /** Of the secret that is good now. */
  readonly secretHash: string;
  /** Of the secrets that were used up, newest first. */
  readonly spentHashes: readonly string[];
  /** The key that was certified by the newest of them. */
  readonly lastKey: string | undefined;
  /** The certificates of whoever has this ticket, newest first. */
  readonly serials: readonly string[];
  readonly expiresAtMs: number;
}

/** Where ticket records live. */
export interface TicketRecords {
  get(id: string): Promise<TicketRecord | undefined>;
  /** Those of a service account. */
  of(namespace: string, serviceAccount: string): Promise<readonly TicketRecord[]>;
  create(record: TicketRecord): Promise<void>;
  /** False when the record is not `before` any more. */
  replace(before: TicketRecord, after: TicketRecord): Promise<boolean>;
  delete(ids: readonly string[]): Promise<void>;
}

export interface ReturnTicketsOptions {
  readonly records: TicketRecords;
  readonly trustDomain: TrustDomain;
  /** How long after the end of its certificate a workload may come back; 0 = never. */
  readonly graceMs: number;
  readonly uidOf: (namespace: string, name: string) => Promise<string | undefined>;
  readonly clock: Clock;
  /** A secret was shown that was used up before: the ticket is gone, its certificates are to go too. */
  readonly reused: (record: TicketRecord) => Promise<void>;
}

export interface KeepRequest {
  /** Whose certificate proved the request. */
  readonly id: SpiffeId;
  readonly serial: string;
  readonly notAfterMs: number;
  readonly ticketId: string | undefined;
  readonly secretHash: string;
  readonly place: string;
}

const MOST_TICKETS = 256;
const MOST_SPENT = 16;
const MOST_SERIALS = 8;

type Wanted = KeepRequest & Pick<TicketRecord, 'namespace' | 'serviceAccount' | 'accountUid'>;

/** Lets workloads that lost their key with their memory come back for a while. */
export class ReturnTickets implements Attestor {
  readonly name = 'return-ticket';
  readonly #options: ReturnTicketsOptions;

  constructor(options: ReturnTicketsOptions) {
    this.#options = options;
  }

  async attest({ bearer }: Evidence): Promise<AttestedCaller | undefined> {
    if (!bearer?.startsWith('hbr1.')) return undefined;
    const use = parseTicketUse(bearer);
    const record = await this.#options.records.get(use.id);
    const hash = ticketHash(use.secret);
    const isSpent = record?.spentHashes.includes(hash) ?? false;
    if (record === undefined || !(isSpent || record.secretHash === hash)) {
      throw new MeshError('ERR_NOT_FOUND', `return ticket ${use.id} is not known here`);
    }
    if (isSpent && !isRepetition(record, use, hash)) await this.#refuseReuse(record);
    await this.#checkStillGood(record, use);
    return this.#callerOf(record, use);
  }

  /**
   * Makes a ticket, or lets the one that there is last as long after the present certificate as the
   * operator allows. Undefined when the operator wants none.
   *
   * @throws {MeshError} ERR_FORBIDDEN for an identity that is no service account's, ERR_LIMIT.
   */
  async keep(request: KeepRequest): Promise<TicketRecord | undefined> {
    const { records, graceMs } = this.#options;
    if (graceMs === 0) return undefined;
    const wanted = { ...request, ...(await this.#accountOf(request.id)) };
    const present =
      request.ticketId === undefined ? undefined : await records.get(request.ticketId);
    const renewed = present && extended(present, wanted, graceMs);
    if (present !== undefined && renewed !== undefined) {
      if (await records.replace(present, renewed)) return renewed;
    }
    return this.#create(wanted);
  }

  /** Whether the owner of a certificate that has expired may still come back by its key. */
  async covers({ workload }: SpiffeId, serial: string): Promise<boolean> {
    const { records, graceMs, uidOf, clock } = this.#options;
    if (workload === undefined || graceMs === 0) return false;
    const uid = await uidOf(workload.namespace, workload.serviceAccount);
    const all = await records.of(workload.namespace, workload.serviceAccount);
    return all.some(
      ({ serials, expiresAtMs, accountUid }) =>
        serials.includes(serial) && accountUid === uid && clock.now() < expiresAtMs,
    );
  }

  /** Forgets the tickets of a service account; returns how many. */
  async discard(namespace: string, serviceAccount: string): Promise<number> {
    const { records } = this.#options;
    const all = await records.of(namespace, serviceAccount);
    await records.delete(all.map(({ id }) => id));
    return all.length;
  }

  async #checkStillGood(record: TicketRecord, { place }: TicketUse): Promise<void> {
    const { clock, graceMs, uidOf } = this.#options;
    const { id, expiresAtMs, namespace, serviceAccount } = record;
    const lateMs = clock.now() - expiresAtMs;
    if (lateMs >= 0 || graceMs === 0) {
      const when = lateMs >= 0 ? `expired ${formatDuration(lateMs)} ago` : 'is not accepted';
      refuse(
        `return ticket ${id} ${when}: the sidecar was away for longer than the operator allows; make a new token with \`hauberk token create\``,
      );
    }
    if (place !== record.place) {
      refuse(
        `return ticket ${id} belongs to another machine or state directory; make a new token with \`hauberk token create\``,
      );
    }
    if ((await uidOf(namespace, serviceAccount)) !== record.accountUid) {
      refuse(`return ticket ${id} belongs to a service account that was deleted`);
    }
  }

  async #refuseReuse(record: TicketRecord): Promise<never> {
    await this.#options.records.delete([record.id]);
    await this.#options.reused(record);
    return refuse(
      `return ticket ${record.id} was used before: somebody has a copy of it, so it was withdrawn and its certificates revoked; make a new token with \`hauberk token create\``,
    );
  }

  #callerOf(record: TicketRecord, use: TicketUse): AttestedCaller {
    const { records, trustDomain } = this.#options;
    const { namespace, serviceAccount, spentHashes, secretHash } = record;
    let present = record;
    return {
      id: SpiffeId.forServiceAccount(trustDomain, namespace, serviceAccount),
      by: 'return-ticket',
      async confirm(keyFingerprint) {
        if (ticketHash(use.secret) !== secretHash) {
          // The answer to the first try was lost on the way: the same key gets another one.
          if (record.lastKey === keyFingerprint) return;
          throw usedByAnother(record);
        }
        present = {
          ...record,
          secretHash: use.successorHash,
          spentHashes: [secretHash, ...spentHashes].slice(0, MOST_SPENT),
          lastKey: keyFingerprint,
        };
        if (!(await records.replace(record, present))) throw usedByAnother(record);
      },
      async issued({ serial }) {
        await records.replace(present, withSerial(present, serial));
      },
    };
  }

  async #accountOf(id: SpiffeId) {
    const { workload } = id;
    const uid =
      workload && (await this.#options.uidOf(workload.namespace, workload.serviceAccount));
    if (workload !== undefined && uid !== undefined) return { ...workload, accountUid: uid };
    throw new MeshError('ERR_FORBIDDEN', `there is no ServiceAccount for "${id}" (any more)`);
  }

  async #create(wanted: Wanted): Promise<TicketRecord> {
    const { records, graceMs } = this.#options;
    const { namespace, serviceAccount, accountUid, place, secretHash } = wanted;
    const present = await records.of(namespace, serviceAccount);
    if (present.length >= MOST_TICKETS) {
      throw new MeshError(
        'ERR_LIMIT',
        `"${namespace}/${serviceAccount}" has ${present.length} return tickets, no more are made until some expire`,
      );
    }
    const record: TicketRecord = {
      id: randomBytes(8).toString('hex'),
      ...{ namespace, serviceAccount, accountUid, place, secretHash },
      ...{ spentHashes: [], lastKey: undefined, serials: [wanted.serial] },
      expiresAtMs: wanted.notAfterMs + graceMs,
    };
    await records.create(record);
    return record;
  }
}

/** The same use as the last one, as a network may deliver it twice. */
function isRepetition(record: TicketRecord, use: TicketUse, hash: string): boolean {
  return record.spentHashes[0] === hash && record.secretHash === use.successorHash;
}

/** Undefined when the record is somebody else's, or of another place. */
function extended(record: TicketRecord, wanted: Wanted, graceMs: number): TicketRecord | undefined {
  const isSame =
    record.namespace === wanted.namespace &&
    record.serviceAccount === wanted.serviceAccount &&
    record.accountUid === wanted.accountUid &&
    record.place === wanted.place;
  if (!isSame) return undefined;
  const { secretHash } = wanted;
  const next = {
    ...withSerial(record, wanted.serial),
    expiresAtMs: Math.max(record.expiresAtMs, wanted.notAfterMs + graceMs),
  };
  if (record.secretHash === secretHash) return next;
  // The owner has proved itself by its certificate, so it may choose another secret.
  const spentHashes = [record.secretHash, ...record.spentHashes].slice(0, MOST_SPENT);
  return { ...next, secretHash, spentHashes };
}

function usedByAnother({ id }: TicketRecord): MeshError {
  const text = `return ticket ${id} was used by another key in the same moment`;
  return new MeshError('ERR_UNAUTHENTICATED', text);
}

function withSerial(record: TicketRecord, serial: string): TicketRecord {
  const others = record.serials.filter((each) => each !== serial);
  return { ...record, serials: [serial, ...others].slice(0, MOST_SERIALS) };
}

function refuse(message: string): never {
  throw new MeshError('ERR_UNAUTHENTICATED', message);
}
