import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { settings } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  echoServer,
  LOOPBACK,
  SERVER_ID,
  startApp,
} from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import type { Address } from '../address.ts';
import { identityValues } from './identity-values.ts';
import { serveWorker } from './serve-worker.ts';
import type { FromWorker, ToWorker } from './worker-protocol.ts';

const anywhere: Address = { host: LOOPBACK, port: 0 };

it('tells of each connection before it lists it, so that counts agree with the list', async () => {
  await using app = await startApp(echoServer());
  const { port1: owner, port2: worker } = new MessageChannel();
  const heard: FromWorker[] = [];
  owner.on('message', (message: FromWorker) => heard.push(message));
  const tell = (message: ToWorker): void => owner.postMessage(message);
  const of = <K extends FromWorker['kind']>(kind: K) =>
    heard.filter((each): each is Extract<FromWorker, { kind: K }> => each.kind === kind);
  const plan = {
    ...{ settings, outbound: [], hbone: anywhere, ownAddresses: [LOOPBACK] },
    inbound: [{ listen: anywhere, app: app.address }],
  };
  const start = {
    ...{ version: packageVersion(), plan, facts: noFacts, clockSkew: undefined },
    workload: { namespace: 'shop', name: 'reviews-1', serviceAccount: 'reviews', labels: {} },
    identity: identityValues(testAuthority().identity(SERVER_ID)),
    ...{ credentials: new Map(), ticketKeys: Buffer.alloc(48, 7), issuers: [] },
  };
  // A turn of the event loop that does not end: what is gathered waits.
  await serveWorker(worker, start, () => undefined);
  await eventually('it serves', () => of('bound').length === 1);
  const [inbound = anywhere] = of('bound')[0]?.bound.inbound ?? [];
  const socket = await dial(inbound);
  expect(await ask(socket, 'hello')).toBe('hello');
  tell({ kind: 'list', question: 1 });
  await eventually('the list', () => of('connections').length === 1);
  const [batch] = of('events');
  const [list] = of('connections');
  expect(list?.records).toHaveLength(1);
  expect(batch?.batch).toMatchObject({
    events: [['connectionOpened', { id: list?.records[0]?.id }]],
    open: { inbound: 1, outbound: 0 },
  });
  expect(heard.indexOf(batch as FromWorker)).toBeLessThan(heard.indexOf(list as FromWorker));
  socket.destroy();
  tell({ kind: 'drain', deadlineMs: 0 });
  await eventually('it has drained', () => of('drained').length === 1);
  owner.close();
});
