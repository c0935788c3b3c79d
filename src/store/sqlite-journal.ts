import type { Sealer } from '../lib/sealer.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import { EventWindow } from './event-window.ts';
import {
  type Journal,
  type LogEntry,
  type LogPage,
  type LogQuestion,
  PAGE_EVENTS,
} from './journal.ts';
import { nextFloor, type Retention } from './retention.ts';
import { decodeBody, encodeBody } from './sealed-body.ts';
import type { Database } from './sqlite.ts';
import { storeError } from './sqlite-error.ts';
import { type HistoryRow, SqliteStatements } from './sqlite-statements.ts';
import type { StoredVersion, StoreEvent } from './store.ts';
import type { StoreLock } from './store-lock.ts';

/** The newest events stay in memory up to here, so that watchers who keep up never read the disk. */
const WINDOW_EVENTS = 1_024;
const WINDOW_BYTES = 16 * 1024 * 1024;

/** A page read from disk ends with the event that reaches this. */
const PAGE_BYTES = 1024 * 1024;

/** What a SqliteJournal works on; closing it closes `database` and releases `lock`. */
export interface SqliteJournalOptions {
  readonly database: Database;
  /** For messages. */
  readonly path: string;
  readonly sealer: Sealer;
  readonly retention: Retention;
  readonly lock: StoreLock;
}

/** A journal in a SQLite database that no other program writes. */
export class SqliteJournal implements Journal {
  readonly #options: SqliteJournalOptions;
  readonly #sql: SqliteStatements;
  #version: number;
  #floor: number;
  #window: EventWindow;
  #windowBytes = 0;

  constructor(options: SqliteJournalOptions) {
    this.#options = options;
    this.#sql = new SqliteStatements(options.database);
    const { version, floor } = this.#sql.counter();
    this.#version = version;
    this.#floor = floor;
    this.#window = new EventWindow(version);
  }

  get version(): number {
    return this.#version;
  }

  get floor(): number {
    return this.#floor;
  }

  *objects(): Generator<Resource> {
    for (const { body, ...owner } of this.#sql.objects()) {
      yield decodeBody(body, owner, this.#options.sealer);
    }
  }

  append(entries: readonly LogEntry[]): void {
    const version = this.#version + entries.length;
    const floor = nextFloor(this.#floor, version, this.#options.retention);
    const bytes = this.#transaction(() => this.#write(entries, version, floor));
    this.#version = version;
    this.#floor = floor;
    this.#remember(entries, bytes);
  }

  read(question: LogQuestion): LogPage {
    if (question.after >= this.#window.floor) return this.#window.read(question);
    return this.#attempt(() => this.#readRows(question));
  }

  history(key: ResourceKey): readonly StoredVersion[] {
    return this.#attempt(() => this.#sql.historyOf(key).map((row) => this.#decode(row)));
  }

  keys(): readonly ResourceKey[] {
    return this.#attempt(() => this.#sql.keysInHistory());
  }

  previous(key: ResourceKey, version: number): StoredVersion | undefined {
    return this.#attempt(() => {
      const row = this.#sql.historyBefore(key, version);
      return row && this.#decode(row);
    });
  }

  close(): void {
    this.#options.database.close();
    this.#options.lock.release();
  }

  #readRows(question: LogQuestion): LogPage {
    const events: StoreEvent[] = [];
    let bytes = 0;
    for (const row of this.#sql.historyAfter(question)) {
      events.push(this.#decode(row));
      bytes += row.body.length;
      if (events.length === PAGE_EVENTS || bytes >= PAGE_BYTES) {
        return { events, upTo: row.version };
      }
    }
    return { events, upTo: this.#version };
  }

  /** Writes all rows; the size of their bodies is returned. */
  #write(entries: readonly LogEntry[], version: number, floor: number): number {
    let bytes = 0;
    for (const { key, stored } of entries) {
      const owner = { key, version: stored.version };
      const body = encodeBody(stored.resource, owner, this.#options.sealer);
      bytes += body.length;
      this.#sql.insertHistory({ ...owner, atMs: stored.atMs, type: stored.type, body });
      if (stored.type === 'DELETED') this.#sql.deleteObject(key);
      else this.#sql.putObject({ ...owner, body });
    }
    this.#sql.moveCounter({ version: this.#version, floor: this.#floor }, { version, floor });
    if (floor > this.#floor) {
      const { versionsPerObject } = this.#options.retention;
      this.#sql.compact({ from: this.#floor, to: floor, versionsPerObject });
    }
    return bytes;
  }

  /**
   * The window is dropped whole when it is full, before the new entries come in: watchers who have
   * seen everything find the new ones in it, and only who lags behind goes to the disk.
   */
  #remember(entries: readonly LogEntry[], bytes: number): void {
    const events = this.#window.version - this.#window.floor;
    if (events >= WINDOW_EVENTS || this.#windowBytes >= WINDOW_BYTES) {
      this.#window = new EventWindow(this.#window.version);
      this.#windowBytes = 0;
    }
    for (const entry of entries) this.#window.push(entry);
    this.#windowBytes += bytes;
  }

  #decode({ body, atMs, type, ...owner }: HistoryRow): StoredVersion {
    const resource = decodeBody(body, owner, this.#options.sealer);
    return Object.freeze({ version: owner.version, atMs, type, resource });
  }

  #transaction<T>(work: () => T): T {
    const { database } = this.#options;
    return this.#attempt(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, such as a full disk.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#options.path);
    }
  }
}
