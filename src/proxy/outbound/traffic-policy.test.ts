import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { destinationRule, service, workloadEntry } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  entryFor,
  LOOPBACK,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';

/** Gives the client of `pair` a DestinationRule for the service that it calls. */
function rule(pair: ProxyPair, trafficPolicy: TrafficPolicy, spec = {}): void {
  const { facts } = pair.client;
  const destinationRules = [destinationRule({ trafficPolicy, ...spec })];
  facts.set({ ...facts.current, destinationRules });
}

const transports = (pair: ProxyPair): readonly unknown[] =>
  pair.client.events.opened.map(({ transport, transportBy }) => [transport, transportBy]);

describe('a rule that changes', () => {
  it('decides about the next connection, and who decided is in its record', async () => {
    await using pair = await startPair();
    expect(await ask(await dial(pair.outbound), 'a')).toBe('a');
    rule(pair, { tls: { mode: 'ISTIO_MUTUAL', sni: 'reviews' } });
    expect(await ask(await dial(pair.outbound), 'b')).toBe('b');
    rule(pair, { tls: { mode: 'DISABLE' } });
    expect(await ask(await dial(pair.outbound), 'c')).toBe('c');
    rule(pair, { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'ISTIO_MUTUAL' } }] });
    expect(await ask(await dial(pair.outbound), 'd')).toBe('d');
    expect(transports(pair)).toEqual([
      ['hbone', 'auto mTLS'],
      ['istio-mtls', 'DestinationRule shop/rule (trafficPolicy)'],
      ['plaintext', 'DestinationRule shop/rule (trafficPolicy)'],
      ['hbone', 'DestinationRule shop/rule (trafficPolicy.portLevelSettings)'],
    ]);
    expect(pair.server.events.opened[1]).toMatchObject({ sni: 'reviews' });
  });

  it('bounds mutual TLS to the version and suites that it names', async () => {
    await using pair = await startPair({ transport: 'istio-mtls' });
    rule(pair, {
      tls: {
        ...{ mode: 'ISTIO_MUTUAL', maxProtocolVersion: 'TLSV1_2' },
        cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'],
      },
    });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([
      { tlsVersion: 'TLSv1.2', cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
    ]);
  });

  it('names who must answer', async () => {
    await using pair = await startPair({ transport: 'istio-mtls' });
    const wanted = 'spiffe://cluster.local/ns/shop/sa/somebody-else';
    rule(pair, { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: [wanted] } });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.handshakes).toMatchObject([{ expectedIds: [wanted] }]);
  });
});

describe('a subset', () => {
  it('is the endpoints with its labels', async () => {
    await using pair = await startPair({
      client: {
        outbound: [
          {
            listen: { host: LOOPBACK, port: 0 },
            service: { host: 'reviews.shop', port: 80, subset: 'v2' },
          },
        ],
      },
    });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toBe(
      'no DestinationRule has a subset "v2" of reviews.shop.svc.cluster.local',
    );
    rule(pair, {}, { subsets: [{ name: 'v2', labels: { version: 'v2' } }] });
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.upstreams[1]?.reason).toBe(
      'no workload of Service shop/reviews is in the subset "v2": version=v2',
    );
    const { facts } = pair.client;
    const { metadata, ...entry } = entryFor(pair.hbone.port);
    const labels = { app: 'reviews', version: 'v2' };
    facts.set({
      ...facts.current,
      workloadEntries: [{ ...entry, metadata: { ...metadata, labels } }],
    });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });
});

describe('connectionPool.tcp', () => {
  it('bounds the wait for a session that a peer does not begin', async () => {
    await using pair = await startPair();
    await using silent = await startApp(createServer());
    rule(pair, { connectionPool: { tcp: { connectTimeout: '100ms' } } });
    const { facts } = pair.client;
    facts.set({ ...facts.current, workloadEntries: [entryFor(silent.address.port)] });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toContain(
      'it does not answer within the connectTimeout of the service',
    );
  });

  it('bounds the connections at a time', async () => {
    await using pair = await startPair();
    rule(pair, { connectionPool: { tcp: { maxConnections: 1 } } });
    const first = await dial(pair.outbound);
    expect(await ask(first, 'a')).toBe('a');
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toBe(
      '1 connections to reviews.shop:80 are open, which is the limit (connectionPool.tcp.maxConnections of DestinationRule rule)',
    );
    first.destroy();
    await until(() => pair.client.events.closed.length === 1);
    expect(await ask(await dial(pair.outbound), 'b')).toBe('b');
  });

  it('closes what is silent for too long, and what is too old', async () => {
    const clock = new ManualClock(Date.now());
    await using pair = await startPair({ transport: 'istio-mtls', client: { clock } });
    const open = async (tcp: object): Promise<Socket> => {
      rule(pair, { connectionPool: { tcp } });
      const socket = await dial(pair.outbound);
      expect(await ask(socket, 'x')).toBe('x');
      return socket;
    };
    const idle = readToEnd(await open({ idleTimeout: '60s' }));
    const old = readToEnd(await open({ maxConnectionDuration: '600s' }));
    await clock.advance(15_000);
    await clock.advance(59_000);
    await clock.advance(15_000);
    expect((await idle).how).toBe('reset');
    expect(pair.client.events.closed).toMatchObject([{ reason: 'idle' }]);
    await clock.advance(600_000);
    expect((await old).how).toBe('reset');
    expect(pair.client.events.closed[1]).toMatchObject({ reason: 'too-old' });
  });
});

describe('endpoints that fail', () => {
  it('are passed over for one that answers, before any byte is sent', async () => {
    await using pair = await startPair();
    const { facts } = pair.client;
    const [good] = facts.current.workloadEntries;
    const gone = workloadEntry({ address: LOOPBACK, ports: { http: 1 } }, { name: 'gone' });
    facts.set({
      ...facts.current,
      services: [service({ ports: facts.current.services[0]?.spec.ports ?? [] })],
      workloadEntries: [gone, ...(good === undefined ? [] : [good])],
    });
    for (let i = 0; i < 8; i += 1) expect(await ask(await dial(pair.outbound), 'x')).toBe('x');
    expect(pair.client.events.upstreams).toEqual([]);
  });
});
