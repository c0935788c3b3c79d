import type { Transport } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { ServedClients } from '../socket/served-clients.ts';
import { LagReport } from './lag-report.ts';

const envoy = { name: 'web-envoy', lacks: 'has not acknowledged ROOTCA yet' };
const link = (): Transport => ({}) as Transport;

function rig() {
  const clock = new ManualClock();
  const clients = new ServedClients({ clock, isRunning: () => true });
  const sent: { readonly to: Transport; readonly names: readonly string[] }[] = [];
  let failing = false;
  const report = new LagReport({
    ...{ clients, clock },
    async send(to, lagging) {
      if (failing) throw new Error('away');
      sent.push({ to, names: lagging.map(({ name }) => name) });
    },
  });
  const stopping = new AbortController();
  void report.run(stopping.signal);
  return { clock, clients, report, sent, fail: (yes: boolean) => (failing = yes), stopping };
}

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise((resolve) => setImmediate(resolve, 'late'));
  return (await Promise.race([promise, late])) !== 'late';
}

it('says nothing while all keep up, and lets acknowledge at once', async () => {
  const { report, clock, sent } = rig();
  report.use(link());
  expect(await isDone(report.settled())).toBe(true);
  await clock.advance(60_000);
  expect(sent).toEqual([]);
});

it('says nothing of a program that is quick, and lets acknowledge when it holds all', async () => {
  const { report, clients, clock, sent } = rig();
  report.use(link());
  const client = clients.join(7, 'sds');
  client.lags(envoy);
  const settled = report.settled();
  await clock.advance(1_000);
  expect(await isDone(settled)).toBe(false);
  client.holds();
  expect(await isDone(settled)).toBe(true);
  expect(sent).toEqual([]);
});

it('tells of a program that is slow before anything is acknowledged, and when it has caught up', async () => {
  const { report, clients, clock, sent } = rig();
  const to = link();
  report.use(to);
  const client = clients.join(7, 'sds');
  client.lags(envoy);
  const settled = report.settled();
  await clock.advance(3_000);
  expect(sent).toEqual([{ to, names: ['web-envoy'] }]);
  expect(await isDone(settled)).toBe(true);
  client.holds();
  await clock.advance(0);
  expect(sent.at(-1)).toEqual({ to, names: [] });
});

it('gives a slow program as long, however the wall clock is set', async () => {
  const { report, clients, clock, sent } = rig();
  report.use(link());
  clients.join(7, 'sds').lags(envoy);
  await clock.advance(1_000);
  clock.setBy(3_600_000);
  await clock.advance(0);
  expect(sent).toEqual([]);
  clock.setBy(-7_200_000);
  await clock.advance(2_000);
  expect(sent).toHaveLength(1);
});

it('lets nothing be acknowledged while the control plane could not be told', async () => {
  const { report, clients, clock, sent, fail } = rig();
  report.use(link());
  fail(true);
  clients.join(7, 'sds').lags(envoy);
  const settled = report.settled();
  await clock.advance(10_000);
  expect(await isDone(settled)).toBe(false);
  fail(false);
  await clock.advance(2_000);
  expect(await isDone(settled)).toBe(true);
  expect(sent).toHaveLength(1);
});

it('tells it again on a new link, before that acknowledges anything', async () => {
  const { report, clients, clock, sent } = rig();
  report.use(link());
  clients.join(7, 'sds').lags(envoy);
  await clock.advance(5_000);
  const next = link();
  report.use(next);
  const settled = report.settled();
  expect(await isDone(settled)).toBe(false);
  await clock.advance(5_000);
  expect(sent.map(({ to }) => to).at(-1)).toBe(next);
  expect(sent).toHaveLength(2);
  expect(await isDone(settled)).toBe(true);
});

it('lets go of what waits on a link that was replaced', async () => {
  const { report, clients, fail } = rig();
  report.use(link());
  fail(true);
  clients.join(7, 'sds').lags(envoy);
  const settled = report.settled();
  report.use(link());
  expect(await isDone(settled)).toBe(true);
});
