import { createContextValues, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { LogService } from '../../agent/link/log-service.ts';
import type { Attestor } from '../../attestation/attestor.ts';
import { WorkloadLogService } from '../../gen/hauberk/logs/v1/workload_log_pb.js';
import { systemClock } from '../../lib/clock.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { RecentLines } from '../../telemetry/recent-lines.ts';
import { WorkloadLogs } from './workload-logs.ts';

const web = { namespace: 'shop', serviceAccount: 'web', name: 'web-1' };
const attestor = (id: string): Attestor => ({
  name: 'test',
  attest: async () => ({ id: SpiffeId.parse(id), by: 'test', confirm: async () => undefined }),
});

let stop: AbortController;
let recent: RecentLines;
let logs: WorkloadLogs;

beforeEach(() => {
  stop = new AbortController();
  recent = new RecentLines({ now: () => 7 });
});
afterEach(() => stop.abort());

async function connected(id = 'spiffe://cluster.local/ns/shop/sa/web'): Promise<void> {
  logs = new WorkloadLogs({ attestor: attestor(id), signal: stop.signal });
  const transport = createRouterTransport(
    ({ service }) => service(WorkloadLogService, logs.service),
    { router: { contextValues: () => createContextValues() } } as object,
  );
  const agent = new LogService({ log: recent, node: () => 'shop/web-1', clock: systemClock });
  agent.use(transport);
  void agent.run(stop.signal);
}

async function read(follow: boolean, until: (texts: readonly string[]) => boolean) {
  const texts: string[] = [];
  const enough = new AbortController();
  for await (const line of logs.lines(web, { follow }, enough.signal)) {
    texts.push(line === 'all kept' ? '--' : line.text);
    if (until(texts)) enough.abort();
  }
  return texts;
}

it('reads what a sidecar keeps, over the connection of its agent', async () => {
  recent.write('one\ntwo\n');
  await connected();
  await eventually('the agent', () => logs.isThere(web));
  expect(await read(false, () => false)).toEqual(['one', 'two', '--']);
  expect(await read(false, () => false)).toEqual(['one', 'two', '--']);
});

it('goes on with what comes, for several readers at once', async () => {
  recent.write('one\n');
  await connected();
  await eventually('the agent', () => logs.isThere(web));
  const readers = [1, 2].map(() => read(true, (texts) => texts.includes('four')));
  setTimeout(() => recent.write('two\nthree\nfour\n'), 20);
  expect(await Promise.all(readers)).toEqual([
    ['one', '--', 'two', 'three', 'four'],
    ['one', '--', 'two', 'three', 'four'],
  ]);
});

it('ends when the agent has gone, and knows it no more', async () => {
  await connected();
  await eventually('the agent', () => logs.isThere(web));
  const reading = read(true, () => false);
  setTimeout(() => stop.abort(), 20);
  expect(await reading).toEqual(['--']);
  await eventually('nobody', () => !logs.isThere(web));
});

it('takes a log from nobody for that of another service account', async () => {
  await connected('spiffe://cluster.local/ns/shop/sa/other');
  await eventually('the agent', () => logs.isThere({ ...web, serviceAccount: 'other' }));
  expect(logs.isThere(web)).toBe(false);
  expect(await read(false, () => false)).toEqual([]);
});
