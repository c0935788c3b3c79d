import { MeshError } from '../lib/errors.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { LogQuestion } from './journal.ts';
import type { Body, BodyOwner } from './sealed-body.ts';
import type { Database, Statement } from './sqlite.ts';
import type { StoreEvent } from './store.ts';

/** The newest version of the store, and the one after which its log is complete. */
export interface Counter {
  readonly version: number;
  readonly floor: number;
}

export interface ObjectRow extends BodyOwner {
  readonly body: Body;
}

export interface HistoryRow extends ObjectRow {
  readonly atMs: number;
  readonly type: StoreEvent['type'];
}

type Columns = ReturnType<Statement['get']>;

/** The SQL of a store: values in, rows out, no decisions. Errors are SQLite's own. */
export class SqliteStatements {
  readonly #prepared: ReturnType<typeof prepareAll>;

  constructor(database: Database) {
    this.#prepared = prepareAll(database);
  }

  counter(): Counter {
    const row = this.#prepared.counter.get();
    return { version: Number(row?.['version']), floor: Number(row?.['floor']) };
  }

  moveCounter(from: Counter, to: Counter): void {
    const { changes } = this.#prepared.moveCounter.run(to.version, to.floor, from.version);
    if (changes === 1) return;
    throw new MeshError(
      'ERR_STORE',
      'the database was changed by another program while it was in use; restart the control plane to read it anew',
    );
  }

  *objects(): Generator<ObjectRow> {
    for (const row of this.#prepared.objects.iterate()) yield objectRow(row);
  }

  putObject({ key, version, body }: ObjectRow): void {
    this.#prepared.putObject.run(...place(key), version, body);
  }

  deleteObject(key: ResourceKey): void {
    this.#prepared.deleteObject.run(...place(key));
  }

  insertHistory({ key, version, atMs, type, body }: HistoryRow): void {
    this.#prepared.insertHistory.run(version, atMs, type, ...place(key), body);
  }

  /** Row by row in order; the reader may stop early. */
  *historyAfter({ after, kind }: LogQuestion): Generator<HistoryRow> {
    const { historyAfter, historyOfKindAfter } = this.#prepared;
    const rows =
      kind === undefined ? historyAfter.iterate(after) : historyOfKindAfter.iterate(after, kind);
    for (const row of rows) yield historyRow(row);
  }

  historyOf(key: ResourceKey): readonly HistoryRow[] {
    return this.#prepared.historyOf.all(...place(key)).map(historyRow);
  }

  keysInHistory(): readonly ResourceKey[] {
    return this.#prepared.keysInHistory.all().map(keyOfRow);
  }

  /** The newest row of an object before `version`. */
  historyBefore(key: ResourceKey, version: number): HistoryRow | undefined {
    const row = this.#prepared.historyBefore.get(...place(key), version);
    return row === undefined ? undefined : historyRow(row);
  }

  /**
   * Deletes what the retention no longer asks for once the log begins after `to`. Only objects
   * with an event that leaves the log now can have versions to forget.
   */
  compact(cut: { from: number; to: number; versionsPerObject: number }): void {
    const { leaving, newest, forget, trim } = this.#prepared;
    for (const row of leaving.all(cut.from, cut.to)) {
      const object = place(keyOfRow(row));
      const last = newest.get(...object);
      if (last?.['type'] === 'DELETED' && Number(last['version']) <= cut.to) forget.run(...object);
      else trim.run(...object, cut.to, ...object, cut.versionsPerObject);
    }
  }
}

const OBJECT = 'kind = ? AND namespace = ? AND name = ?';
const HISTORY = 'SELECT version, at_ms, type, kind, namespace, name, body FROM history';

function prepareAll(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    counter: prepare('SELECT version, floor FROM store'),
    moveCounter: prepare('UPDATE store SET version = ?, floor = ? WHERE version = ?'),
    objects: prepare('SELECT kind, namespace, name, version, body FROM object'),
    putObject: prepare(
      `INSERT INTO object VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET version = excluded.version, body = excluded.body`,
    ),
    deleteObject: prepare(`DELETE FROM object WHERE ${OBJECT}`),
    insertHistory: prepare('INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)'),
    historyAfter: prepare(`${HISTORY} WHERE version > ? ORDER BY version`),
    // The + keeps SQLite from the index by object, which would sort all the kind ever was.
    historyOfKindAfter: prepare(`${HISTORY} WHERE version > ? AND +kind = ? ORDER BY version`),
    historyOf: prepare(`${HISTORY} WHERE ${OBJECT} ORDER BY version`),
    keysInHistory: prepare('SELECT DISTINCT kind, namespace, name FROM history'),
    historyBefore: prepare(
      `${HISTORY} WHERE ${OBJECT} AND version < ? ORDER BY version DESC LIMIT 1`,
    ),
    leaving: prepare(
      'SELECT DISTINCT kind, namespace, name FROM history WHERE version > ? AND version <= ?',
    ),
    newest: prepare(
      `SELECT version, type FROM history WHERE ${OBJECT} ORDER BY version DESC LIMIT 1`,
    ),
    forget: prepare(`DELETE FROM history WHERE ${OBJECT}`),
    trim: prepare(
      `DELETE FROM history WHERE ${OBJECT} AND version <= ? AND version <=
       (SELECT version FROM history WHERE ${OBJECT} ORDER BY version DESC LIMIT 1 OFFSET ?)`,
    ),
  };
}

function place({ kind, namespace, name }: ResourceKey): [string, string, string] {
  return [kind, namespace ?? '', name];
}

function keyOfRow(row: Columns): ResourceKey {
  const kind = String(row?.['kind']);
  const namespace = String(row?.['namespace']);
  const name = String(row?.['name']);
  return namespace === '' ? { kind, name } : { kind, namespace, name };
}

function objectRow(row: Columns): ObjectRow {
  const body = row?.['body'];
  return {
    key: keyOfRow(row),
    version: Number(row?.['version']),
    body: body instanceof Uint8Array ? body : String(body),
  };
}

function historyRow(row: Columns): HistoryRow {
  const type = row?.['type'];
  return {
    ...objectRow(row),
    atMs: Number(row?.['at_ms']),
    type: type === 'ADDED' || type === 'DELETED' ? type : 'MODIFIED',
  };
}
