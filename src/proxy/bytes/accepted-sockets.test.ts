import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { RecordedEvents, startApp } from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import { DescriptorBudget } from '../descriptor-budget.ts';
import { Reporter } from '../reporter.ts';
import { AcceptedSockets } from './accepted-sockets.ts';

it('tells of connections that the system refuses, and not of a server that cannot listen', async () => {
  const events = new RecordedEvents();
  const reporter = new Reporter(events, systemClock, () => 'spiffe://cluster.local/x');
  const budget = new DescriptorBudget({ clock: systemClock, limit: () => undefined });
  const sockets = new AcceptedSockets(reporter, 10, budget);
  await using taken = await startApp(createServer());
  const server = createServer();
  sockets.follow(server, 'inbound');
  const failed = new Promise((resolve) => server.once('error', resolve));
  server.listen(taken.address.port, taken.address.host);
  await failed;
  expect(events.denied).toEqual([]);
  await new Promise<void>((resolve) => server.listen(0, taken.address.host, resolve));
  server.emit('error', new Error('accept EMFILE'));
  expect(events.denied).toMatchObject([{ reason: 'limit', decision: 'accept EMFILE' }]);
  server.close();
});
