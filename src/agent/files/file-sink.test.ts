import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { Served } from '../socket/served-certificate.ts';
import { FileSink, type FileSinkConfig } from './file-sink.ts';
import { spiffeHelperNames } from './svid-files.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/web';
const address = { host: '127.0.0.1', port: 443 };
const authority = testAuthority();
let directory: string;
let stop: () => Promise<void>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-sink-'));
});
afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true, force: true });
});

function start(config: Partial<FileSinkConfig> = {}) {
  const clock = new ManualClock();
  const identity = new WatchableValue(authority.identity(ID));
  const told: string[] = [];
  const shown: { serial: string | undefined } = { serial: undefined };
  const sink = new FileSink({
    ...{ directory, names: spiffeHelperNames, hook: undefined, verify: undefined, ...config },
    ...{ identity, clock },
    look: async (): Promise<Served> =>
      shown.serial === undefined ? { reason: 'refused' } : { serial: shown.serial },
    events: {
      written: () => told.push('written'),
      failed: ({ reason }) => told.push(`failed: ${reason}`),
      served: () => told.push('served'),
      notServed: ({ reason }) => told.push(`not served: ${reason}`),
    },
  });
  const controller = new AbortController();
  const running = sink.run(controller.signal);
  stop = async () => {
    controller.abort();
    await running;
  };
  const serial = () => identity.current.svid.chain[0]?.serial ?? '';
  const rotate = () => identity.set(authority.identity(ID));
  return { sink, clock, told, shown, serial, rotate };
}

it('writes each certificate, and checks nothing that it was not told to', async () => {
  const { sink, told, serial, rotate } = start();
  await eventually('the first', () => sink.status.serial === serial());
  rotate();
  await eventually('the second', () => sink.status.serial === serial());
  expect(sink.status).toMatchObject({ state: 'unchecked', problem: undefined });
  expect(told).toEqual(['written', 'written']);
});

it('tells the program, and tries again when that fails', async () => {
  const command = `echo x >> '${directory}/told'; [ "$(wc -l < '${directory}/told')" -gt 1 ]`;
  const { sink, clock, told } = start({ hook: { kind: 'command', command } });
  await eventually('the failure', () => told.length === 2);
  expect(sink.status.problem).toMatch(/ended with 1/);
  await clock.advance(60_000);
  await eventually('the second try', () => readFileSync(join(directory, 'told')).length === 4);
  await eventually('no problem', () => sink.status.problem === undefined);
  expect(told.map((text) => text.split(':')[0])).toEqual(['written', 'failed', 'written']);
});

it('is content once a handshake shows the certificate', async () => {
  const { sink, clock, told, shown, serial } = start({ verify: address });
  await eventually('the first look', () => sink.status.problem !== undefined);
  expect(sink.status).toMatchObject({ state: 'waiting', problem: '127.0.0.1:443: refused' });
  shown.serial = `00${serial().toUpperCase()}`;
  await clock.advance(2_000);
  await eventually('served', () => sink.status.state === 'served');
  expect(told).toEqual(['written', 'served']);
});

it('warns once when another certificate goes on being served, and notices when that ends', async () => {
  const { sink, clock, told, shown, serial } = start({ verify: address });
  shown.serial = '0a';
  await eventually('the first look', () => sink.status.problem !== undefined);
  clock.setBy(-3_600_000);
  for (let i = 0; i < 20; i++) await clock.advance(5_000);
  await eventually('the warning', () => sink.status.state === 'not-served');
  for (let i = 0; i < 5; i++) await clock.advance(30_000);
  expect(told).toEqual(['written', 'not served: it serves certificate 0a']);
  shown.serial = serial();
  for (let i = 0; i < 5; i++) await clock.advance(30_000);
  await eventually('served', () => sink.status.state === 'served');
});

it('does not believe one handshake alone', async () => {
  const { sink, clock, shown, serial } = start({ verify: address });
  await eventually('the first look', () => sink.status.problem !== undefined);
  shown.serial = serial();
  await clock.advance(100);
  shown.serial = '0a';
  await clock.advance(1_000);
  expect(sink.status).toMatchObject({ state: 'waiting' });
});

it('turns to the next certificate while it still waits for the one before', async () => {
  const { sink, clock, shown, serial, rotate } = start({ verify: address });
  await eventually('the first look', () => sink.status.problem !== undefined);
  shown.serial = serial();
  rotate();
  await clock.advance(1);
  await eventually('the second', () => sink.status.serial === serial());
  expect(sink.status.state).toBe('waiting');
  shown.serial = serial();
  for (let i = 0; i < 10; i++) await clock.advance(1_000);
  await eventually('served', () => sink.status.state === 'served');
});
