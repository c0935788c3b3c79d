import { MeshError } from '../../lib/errors.ts';
import type { Database, Statement } from '../../store/sqlite.ts';
import { storeError } from '../../store/sqlite-error.ts';
import { type IssuanceQuery, issuanceStatements } from './issuance-statements.ts';

/** One certificate that was signed, and for whom. */
export interface IssuedRecord {
  /** Lower-case hex. */
  readonly serial: string;
  /** The SPIFFE ID in it. */
  readonly id: string;
  /** Serial of the authority that signed it. */
  readonly issuerSerial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuedAtMs: number;
  /** The attestor that identified the caller. */
  readonly attestor: string;
  /** `address:port` of the caller. */
  readonly peerAddress: string;
}

/** What an identity has of certificates that one attestor vouched for. */
export interface HeldCertificates extends Pick<IssuedRecord, 'id' | 'attestor'> {
  /** When the last of them ends. */
  readonly untilMs: number;
}

export interface HeldQuestion {
  /** Whose certificates do not count. */
  readonly signerSerial: string;
  readonly nowMs: number;
  /** Serials that do not count. */
  readonly without: readonly string[];
}

export interface IssuanceLedgerOptions {
  readonly database: Database;
  /** For messages. */
  readonly path: string;
  /** Certificates that may be valid at a time; a further one is refused. Default 2,000,000. */
  readonly maxRecords?: number;
}

/** Where a list goes on: after the record that has these. */
export type LedgerPlace = Pick<IssuedRecord, 'issuedAtMs' | 'serial'>;

const NEWEST: LedgerPlace = { issuedAtMs: Number.MAX_SAFE_INTEGER, serial: '' };
const MOST_NOTED = 4_096;

interface Waiting {
  readonly record: IssuedRecord;
  readonly replaces: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What was issued and has not expired. A certificate that is not in here cannot be revoked by the
 * name of its identity, so none is handed out before its record survives a power cut; records that
 * come together share one sync of the disk.
 */
export class IssuanceLedger {
  readonly #options: IssuanceLedgerOptions;
  readonly #query: IssuanceQuery;
  #waiting: Waiting[] = [];
  /** When each was shown, of those that are not written yet. */
  #shown = new Map<string, number>();
  /** The latest that are written: a connection shows its certificate with every call. */
  readonly #noted = new Set<string>();
  #flushing = false;
  #size: number;

  constructor(options: IssuanceLedgerOptions) {
    this.#options = options;
    this.#query = issuanceStatements(options.database);
    this.#size = Number(this.#query.count.get()?.['n'] ?? 0);
  }

  /** Records on disk and on their way there. */
  get size(): number {
    return this.#size + this.#waiting.length;
  }

  /**
   * Resolves when the record survives a crash of the machine. Reads see it at once.
   *
   * @param replaces serial of the certificate that it was asked with, which its workload needs no
   *   longer once it has shown the new one.
   * @throws {MeshError} ERR_LIMIT when there are too many, ERR_STORE when the disk refuses.
   */
  record(record: IssuedRecord, replaces: string = ''): Promise<void> {
    const { maxRecords = 2_000_000 } = this.#options;
    if (this.size >= maxRecords) {
      const text = `${maxRecords} certificates are recorded as issued, which is the limit; lengthen the lifetime of SVIDs so that fewer are valid at a time`;
      return Promise.reject(new MeshError('ERR_LIMIT', text));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, replaces, resolve, reject });
      this.#flushSoon();
    });
  }

  /** The records whose serial begins so, at most `limit`. */
  withSerial(prefix: string, limit: number): readonly IssuedRecord[] {
    return this.#read(this.#query.bySerial, prefix, `${prefix}g`, limit);
  }

  /**
   * By whose proof the certificate of exactly this serial was issued. Asked for each caller, and so,
   * unlike the others, without writing first what waits: that would be a sync of the disk each time.
   */
  attestorOf(serial: string): string | undefined {
    const waiting = this.#waiting.find(({ record }) => record.serial === serial);
    if (waiting !== undefined) return waiting.record.attestor;
    const row = this.#ask(() => this.#query.bySerial.get(serial, `${serial}g`, 1));
    return row?.['serial'] === serial ? String(row['attestor']) : undefined;
  }

  /** Records of an identity, newest first, those after `after`; of any when it is undefined. */
  list(
    id: string | undefined,
    limit: number,
    after: LedgerPlace = NEWEST,
  ): readonly IssuedRecord[] {
    const { issuedAtMs, serial } = after;
    return id === undefined
      ? this.#read(this.#query.newest, issuedAtMs, serial, limit)
      : this.#read(this.#query.byId, id, issuedAtMs, serial, limit);
  }

  /** How many records an identity has; all together when it is undefined. */
  count(id: string | undefined): number {
    if (id === undefined) return this.size;
    this.#flush();
    return Number(this.#ask(() => this.#query.countOf.get(id))?.['n'] ?? 0);
  }

  /** How many certificates of an authority are valid at `nowMs`, and when the last of them ends. */
  liveOf(
    issuerSerial: string,
    nowMs: number,
  ): { readonly count: number; readonly untilMs: number } {
    this.#flush();
    const row = this.#ask(() => this.#query.live.get(issuerSerial, nowMs)) ?? {};
    return { count: Number(row['n'] ?? 0), untilMs: Number(row['until'] ?? 0) };
  }

  /**
   * Notes that a workload has shown this certificate, so that it has no use for the one before. Such a
   * note may be lost with a full disk: a rotation waits longer then.
   */
  shown(serial: string, atMs: number): void {
    if (this.#noted.has(serial) || this.#shown.has(serial)) return;
    this.#shown.set(serial, atMs);
    this.#flushSoon();
  }

  /**
   * Who has certificates that are valid at `nowMs`, were not signed by `signerSerial`, are none of
   * `without`, and whose workloads have shown no later one; until when the last of them is valid.
   */
  held({ signerSerial, nowMs, without }: HeldQuestion): readonly HeldCertificates[] {
    this.#flush();
    const serials = JSON.stringify(without);
    const rows = this.#ask(() => this.#query.held.all(signerSerial, nowMs, serials));
    return rows as unknown as readonly HeldCertificates[];
  }

  /** Notes that nobody accepts what others than `signerSerial` have signed any more. */
  writeOff(signerSerial: string, atMs: number): void {
    this.#flush();
    this.#ask(() => this.#query.writeOff.run({ signerSerial, atMs }));
  }

  /** Forgets what had expired at `beforeMs`; returns how many. */
  dropExpired(beforeMs: number): number {
    this.#flush();
    const { changes } = this.#ask(() => this.#query.drop.run(beforeMs));
    this.#size -= Number(changes);
    return Number(changes);
  }

  /** Writes what waits and lets go of the file. */
  close(): void {
    this.#flush();
    this.#options.database.close();
  }

  #read(statement: Statement, ...parameters: (string | number)[]): readonly IssuedRecord[] {
    this.#flush();
    return this.#ask(() => statement.all(...parameters)) as unknown as readonly IssuedRecord[];
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const [batch, shown] = [this.#waiting, this.#shown];
    if (batch.length === 0 && shown.size === 0) return;
    this.#waiting = [];
    this.#shown = new Map();
    try {
      this.#write(batch, shown);
    } catch (cause) {
      const error = storeError(cause, this.#options.path);
      for (const { reject } of batch) reject(error);
      return;
    }
    this.#size += batch.length;
    for (const serial of shown.keys()) this.#note(serial);
    for (const { resolve } of batch) resolve();
  }

  #note(serial: string): void {
    const [oldest] = this.#noted;
    if (this.#noted.size >= MOST_NOTED && oldest !== undefined) this.#noted.delete(oldest);
    this.#noted.add(serial);
  }

  #write(batch: readonly Waiting[], shown: ReadonlyMap<string, number>): void {
    const { database } = this.#options;
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const { record, replaces } of batch) this.#query.insert.run({ ...record, replaces });
      for (const [serial, atMs] of shown) this.#query.replaced.run({ serial, atMs });
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  #ask<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#options.path);
    }
  }
}
