import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { ServedClients } from './served-clients.ts';

const envoy = { name: 'web-envoy', lacks: 'has not acknowledged ROOTCA yet' };

function rig(alive: ReadonlySet<number> = new Set([7])) {
  const clock = new ManualClock();
  return { clock, clients: new ServedClients({ clock, isRunning: (pid) => alive.has(pid) }) };
}

it('names who is behind until it holds the newest', () => {
  const { clients } = rig();
  const client = clients.join(7, 'sds ROOTCA');
  expect(clients.lagging()).toEqual([]);
  client.lags(envoy);
  expect(clients.lagging()).toEqual([envoy]);
  client.holds();
  expect(clients.lagging()).toEqual([]);
});

it('tells of changes only when there is one', () => {
  const { clients } = rig();
  let changes = 0;
  clients.changes.subscribe(() => (changes += 1));
  const client = clients.join(7, 'sds ROOTCA');
  client.holds();
  client.lags(envoy);
  client.lags({ ...envoy });
  client.holds();
  client.left();
  expect(changes).toBe(2);
});

it('still waits for one that hung up while it was behind, until it is back', () => {
  const { clients } = rig();
  const first = clients.join(7, 'sds ROOTCA');
  first.lags(envoy);
  first.left();
  expect(clients.lagging()).toMatchObject([
    { name: 'web-envoy', lacks: `${envoy.lacks}, and has hung up` },
  ]);
  clients.join(7, 'sds ROOTCA');
  expect(clients.lagging()).toEqual([]);
});

it('forgets one that hung up when its process has ended, or half a minute later', async () => {
  const alive = new Set([7, 8]);
  const { clients, clock } = rig(alive);
  for (const pid of alive) {
    const client = clients.join(pid, 'sds ROOTCA');
    client.lags({ ...envoy, name: `envoy ${pid}` });
    client.left();
  }
  alive.delete(8);
  clock.setBy(3_600_000);
  expect(clients.lagging()).toMatchObject([{ name: 'envoy 7' }]);
  clock.setBy(-7_200_000);
  await clock.advance(30_000);
  expect(clients.lagging()).toEqual([]);
});

it('remembers a bounded number of those who hung up', () => {
  const { clients } = rig();
  for (let at = 0; at < 1_000; at += 1) {
    const client = clients.join(7, `sds ${at}`);
    client.lags({ ...envoy, name: `envoy ${at}` });
    client.left();
  }
  expect(clients.lagging()).toHaveLength(256);
});
