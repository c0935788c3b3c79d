import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../store/sqlite.ts';
import type { IssuanceLedger, IssuedRecord } from './issuance-ledger.ts';
import { openIssuanceLedger } from './issuance-ledger-file.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-ledger-'));
  path = join(directory, 'issued.db');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function record(serial: string, more: Partial<IssuedRecord> = {}): IssuedRecord {
  return {
    ...{ serial, id: REVIEWS, issuerSerial: 'ca', attestor: 'svid', peerAddress: '10.0.0.7:4711' },
    ...{ notBeforeMs: 0, notAfterMs: 1_000, issuedAtMs: 10 },
    ...more,
  };
}

function withLedger<T>(use: (ledger: IssuanceLedger) => T, maxRecords?: number): T {
  const ledger = openIssuanceLedger({ path, ...(maxRecords === undefined ? {} : { maxRecords }) });
  try {
    return use(ledger);
  } finally {
    ledger.close();
  }
}

const serials = (records: readonly IssuedRecord[]): string[] => records.map(({ serial }) => serial);

describe('IssuanceLedger', () => {
  it('finds after a restart what was recorded, in a file for its owner only', async () => {
    const ledger = openIssuanceLedger({ path });
    await Promise.all([ledger.record(record('aa')), ledger.record(record('ab'))]);
    ledger.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    withLedger((again) => {
      expect(again.size).toBe(2);
      expect(again.withSerial('aa', 10)).toEqual([record('aa')]);
    });
  });

  it('reads at once what is still on its way to the disk', () => {
    withLedger((ledger) => {
      void ledger.record(record('aa'));
      expect(serials(ledger.list(REVIEWS, 10))).toEqual(['aa']);
    });
  });

  it('says by whose proof a serial was issued, on disk or on its way there, and of no other', async () => {
    const ledger = openIssuanceLedger({ path });
    await ledger.record(record('aa', { attestor: 'agent x' }));
    void ledger.record(record('ab', { attestor: 'token' }));
    expect(['aa', 'ab', 'a', 'ac'].map((serial) => ledger.attestorOf(serial))).toEqual([
      ...['agent x', 'token', undefined, undefined],
    ]);
    ledger.close();
  });

  it('lists newest first, by identity and by the beginning of a serial', () => {
    withLedger((ledger) => {
      void ledger.record(record('a1', { issuedAtMs: 1 }));
      void ledger.record(record('a2', { issuedAtMs: 2, id: 'spiffe://cluster.local/ns/x/sa/y' }));
      void ledger.record(record('b3', { issuedAtMs: 3 }));
      expect(serials(ledger.list(undefined, 10))).toEqual(['b3', 'a2', 'a1']);
      expect(serials(ledger.list(undefined, 2))).toEqual(['b3', 'a2']);
      expect(serials(ledger.list(REVIEWS, 10))).toEqual(['b3', 'a1']);
      expect(serials(ledger.withSerial('a', 10))).toEqual(['a1', 'a2']);
      expect(serials(ledger.withSerial('c', 10))).toEqual([]);
    });
  });

  it('drops what has expired and counts what an authority has out', () => {
    withLedger((ledger) => {
      void ledger.record(record('a1', { notAfterMs: 100 }));
      void ledger.record(record('a2', { notAfterMs: 200 }));
      void ledger.record(record('a3', { notAfterMs: 300, issuerSerial: 'other' }));
      expect(ledger.liveOf('ca', 99)).toEqual({ count: 2, untilMs: 200 });
      expect(ledger.liveOf('ca', 200)).toEqual({ count: 0, untilMs: 0 });
      expect(ledger.dropExpired(200)).toBe(2);
      expect([ledger.size, serials(ledger.list(undefined, 10))]).toEqual([1, ['a3']]);
    });
  });

  it('refuses more than its bound and takes more once something has expired', async () => {
    const ledger = openIssuanceLedger({ path, maxRecords: 1 });
    await ledger.record(record('a1', { notAfterMs: 100 }));
    await expect(ledger.record(record('a2'))).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    ledger.dropExpired(100);
    await expect(ledger.record(record('a2'))).resolves.toBeUndefined();
    ledger.close();
  });

  it('refuses a serial that was recorded before, and keeps the first', async () => {
    const ledger = openIssuanceLedger({ path });
    await ledger.record(record('a1'));
    await expect(ledger.record(record('a1', { id: 'spiffe://x/y' }))).rejects.toMatchObject({
      code: 'ERR_STORE',
    });
    expect(ledger.withSerial('a1', 2)).toEqual([record('a1')]);
    ledger.close();
  });

  it('refuses a file that is something else', () => {
    writeFileSync(path, 'SQLite format 3 not');
    expect(() => openIssuanceLedger({ path })).toThrow(/is not a Hauberk database/);
  });

  it('knows whose certificates are of an old key, and not yet replaced by one that was shown', () => {
    withLedger((ledger) => {
      void ledger.record(record('a1', { issuerSerial: 'old' }));
      void ledger.record(record('a2', { issuerSerial: 'old', notAfterMs: 900 }));
      void ledger.record(record('b1', { issuerSerial: 'new' }), 'a1');
      const ask = (more: object = {}): object[] => {
        const question = { signerSerial: 'new', nowMs: 500, without: [], ...more };
        return ledger.held(question).map((held) => ({ ...held }));
      };
      const until = (untilMs: number) => [{ id: REVIEWS, attestor: 'svid', untilMs }];
      expect(ask()).toEqual(until(1_000));
      expect(ask({ without: ['a1'] })).toEqual(until(900));
      ledger.shown('b1', 20);
      expect(ask()).toEqual(until(900));
      ledger.shown('b1', 30);
      ledger.shown('nobody', 30);
      expect(ask({ nowMs: 1_000 })).toEqual([]);
      ledger.writeOff('new', 40);
      expect(ask()).toEqual([]);
      expect(ask({ signerSerial: '' })).toEqual(until(1_000));
    });
  });

  it.each([
    [1, 'ALTER TABLE issued DROP COLUMN replaces; ALTER TABLE issued DROP COLUMN replacedAtMs;'],
    [2, ''],
  ])('takes up a file of version %i', (version, undo) => {
    withLedger((ledger) => void ledger.record(record('aa')));
    const database = connect(path, { busyTimeoutMs: 1_000 });
    database.exec(`DROP INDEX issued_in_use; ${undo} PRAGMA user_version = ${version}`);
    database.close();
    withLedger((ledger) => {
      expect(ledger.withSerial('aa', 1)).toEqual([record('aa')]);
      expect(ledger.held({ signerSerial: 'new', nowMs: 500, without: [] })).toHaveLength(1);
    });
    withLedger((ledger) => expect(ledger.size).toBe(1));
  });

  it('lists page by page, also where many were issued in the same moment', () => {
    withLedger((ledger) => {
      const names = ['a1', 'a2', 'a3', 'a4', 'a5'];
      for (const name of names) void ledger.record(record(name));
      void ledger.record(record('b1', { issuedAtMs: 5, id: `${REVIEWS}x` }));
      const seen: string[] = [];
      let page = ledger.list(undefined, 2);
      while (page.length > 0) {
        seen.push(...serials(page));
        page = ledger.list(undefined, 2, page.at(-1));
      }
      expect(seen).toEqual([...names.toReversed(), 'b1']);
      expect(ledger.count(undefined)).toBe(6);
      expect(ledger.count(REVIEWS)).toBe(5);
      expect(serials(ledger.list(REVIEWS, 9, { issuedAtMs: 10, serial: 'a3' }))).toEqual([
        'a2',
        'a1',
      ]);
    });
  });
});
