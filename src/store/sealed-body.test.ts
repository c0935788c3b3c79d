import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { put, service } from '../../test/kit/store-contract.ts';
import { testSealer } from '../../test/kit/store-rig.ts';
import type { Resource } from '../resources/resource.ts';
import { decodeBody, encodeBody } from './sealed-body.ts';
import { connect } from './sqlite.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

const PLAIN = 'correct horse battery staple';
const key = { kind: 'Secret', namespace: 'shop', name: 'token' };

function secret(name: string, text: string): Resource {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'shop', annotations: { note: text } },
    data: { password: Buffer.from(text).toString('base64') },
    stringData: { password: text },
  };
}

describe('a confidential resource in a database', () => {
  let directory: string;
  let path: string;
  let store: Store;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-sealed-'));
    path = join(directory, 'hauberk.db');
    store = open();
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const open = (): Store => openSqliteStore({ path, clock: new ManualClock(), sealer: testSealer });

  // By another process, as closing a descriptor here would drop the locks of the open database.
  const bytesOf = (...files: string[]): Buffer =>
    execFileSync('cat', files, { maxBuffer: 64 * 1024 * 1024 });

  it('appears in no file of it, through change, deletion, history and close', async () => {
    await put(store, secret('token', PLAIN));
    await put(store, secret('token', `${PLAIN} 2`));
    await put(store, secret('other', PLAIN));
    await store.commit([{ op: 'delete', key }]);
    await put(store, service('visible', 'a public marker'));
    await put(store, { ...secret('odd', PLAIN), apiVersion: 'example.com/v1', kind: 'Unknown' });
    const bytes = [bytesOf(path, `${path}-wal`, `${path}-shm`)];
    store.close();
    bytes.push(bytesOf(path, `${path}.lock`));
    for (const file of bytes) {
      // Base64 of the same text has three forms, by where in a longer one it begins.
      for (const shift of ['', 'x', 'xx']) {
        const inner = Buffer.from(shift + PLAIN)
          .toString('base64')
          .slice(4, -4);
        expect(file.includes(inner)).toBe(false);
      }
      expect(file.includes(PLAIN)).toBe(false);
      expect(file.includes('a public marker')).toBe(true);
    }
  });

  it('is read again after a restart, in every version', async () => {
    await put(store, secret('token', PLAIN));
    const stored = await put(store, secret('token', `${PLAIN} 2`));
    store.close();
    store = open();
    expect(await store.get(key)).toEqual(stored);
    const history = await store.history(key);
    expect(history.map(({ resource }) => resource['stringData'])).toEqual([
      { password: PLAIN },
      { password: `${PLAIN} 2` },
    ]);
  });

  it.each([
    [
      'exchanged with another object',
      `UPDATE object SET body = (SELECT body FROM object WHERE name = 'other') WHERE name = 'token'`,
    ],
    [
      'put back to an older version',
      `UPDATE object SET body = (SELECT body FROM history WHERE version = 1) WHERE name = 'token'`,
    ],
    ['written in the clear', `UPDATE object SET body = '{}' WHERE name = 'token'`],
    ['altered', `UPDATE object SET body = body || x'00' WHERE name = 'token'`],
    ['moved', `UPDATE object SET name = 'moved' WHERE name = 'token'`],
  ])('stops the store from opening when it was %s', async (_, sql) => {
    await put(store, secret('token', PLAIN));
    await put(store, secret('other', PLAIN));
    await put(store, secret('token', `${PLAIN} 2`));
    store.close();
    const database = connect(path, { busyTimeoutMs: 0 });
    database.exec(sql);
    database.close();
    expect(open).toThrow(expect.objectContaining({ code: 'ERR_SEAL' }));
  });

  it('is quoted by no error', async () => {
    await put(store, { ...secret('odd', PLAIN), apiVersion: 'example.com/v1', kind: 'Unknown' });
    store.close();
    const database = connect(path, { busyTimeoutMs: 0 });
    database.prepare('UPDATE object SET body = ?').run(`{"data": ${PLAIN}`);
    database.close();
    let failure: unknown;
    try {
      open();
    } catch (error) {
      failure = error;
    }
    expect(inspect(failure)).toContain(
      'Unknown.example.com/shop/odd@1 is not readable in the database; restore it from a backup',
    );
    expect(inspect(failure)).not.toContain(PLAIN.slice(0, 5));
  });
});

describe('encodeBody', () => {
  const owner = (kind: string) => ({ key: { ...key, kind }, version: 3 });

  it.each([
    ['Secret', true],
    ['Service', false],
    ['AuthorizationPolicy.security.istio.io', false],
    ['Secret.example.com', true],
  ])('of %s: sealed %s', (kind, sealed) => {
    const body = encodeBody(secret('token', PLAIN), owner(kind), testSealer);
    expect(body instanceof Uint8Array).toBe(sealed);
    expect(decodeBody(body, owner(kind), testSealer)).toEqual(secret('token', PLAIN));
  });
});
