import { describe, expect, it } from 'vitest';
import { allow, connection, fromSource, settings } from '../../../test/kit/policies.ts';
import { echoServer, startApp, until } from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import { Deadlines } from '../deadlines.ts';
import { Enforcement } from '../enforcement.ts';
import { AppPool } from '../http/app-pool.ts';
import type { Ends } from '../proxy-events.ts';
import { AppGate } from './app-gate.ts';

const workload = { namespace: 'shop', name: 'r', labels: {}, serviceAccount: 'reviews' };
const nobody = allow([fromSource({ principals: ['none'] })], { name: 'nobody' });
const admission = { mutualTls: true, facts: connection() };

const flow = (): void => undefined;
const nowhere = { host: '127.0.0.1', port: 0 };
const about: Ends = {
  ...{ direction: 'inbound', source: nowhere, destination: nowhere, service: undefined },
  ...{ transport: 'hbone', ownId: 'own', ownSerial: '01', peerId: 'peer', peerSerial: '02' },
};

function gateOver(facts: WatchableValue<MeshFacts>): AppGate {
  const enforcement = new Enforcement({
    workload: new WatchableValue(workload),
    settings: { current: settings },
    facts,
  });
  return new AppGate({
    enforcement,
    http: { joinFor: () => undefined },
    connectDeadlines: new Deadlines(systemClock, 5_000),
    pool: new AppPool(systemClock, 1_000),
  });
}

describe('AppGate', () => {
  it('lets in what the policies allow', async () => {
    await using app = await startApp(echoServer());
    const decisions: string[] = [];
    const entry = await gateOver(new WatchableValue(noFacts)).enter({
      ...{ about, admission, app: app.address },
      flow: (channel, decision) => {
        decisions.push(decision);
        channel.reset();
      },
    });
    expect(entry).toEqual({ entered: true });
    expect(decisions).toEqual([expect.stringContaining('allowed')]);
  });

  it('does not trouble the application with what they deny', async () => {
    await using app = await startApp(echoServer());
    const facts = new WatchableValue<MeshFacts>({ ...noFacts, authorizationPolicies: [nobody] });
    const entry = await gateOver(facts).enter({ about, admission, app: app.address, flow });
    expect(entry).toMatchObject({ denied: { reason: 'authorization' } });
    expect(app.sockets).toHaveLength(0);
  });

  it('asks again when they changed while the application was being connected', async () => {
    await using app = await startApp(echoServer());
    const facts = new WatchableValue(noFacts);
    const entering = gateOver(facts).enter({ about, admission, app: app.address, flow });
    facts.set({ ...noFacts, authorizationPolicies: [nobody] });
    expect(await entering).toMatchObject({
      denied: { decision: expect.stringContaining('shop/nobody') },
    });
    await until(() => app.sockets[0]?.destroyed === true);
  });

  it('tells why the application cannot be reached', async () => {
    const gate = gateOver(new WatchableValue(noFacts));
    expect(
      await gate.enter({ about, admission, flow, app: { host: '127.0.0.1', port: 1 } }),
    ).toEqual({
      unreachable:
        'the application does not answer: cannot connect to 127.0.0.1:1: nothing listens there (ECONNREFUSED)',
    });
  });
});
