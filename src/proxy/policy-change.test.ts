import { connect } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { allow, deny, fromSource, peerAuthentication } from '../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  type PairSide,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';

const products = 'cluster.local/ns/shop/sa/products';
const others = allow([fromSource({ principals: ['cluster.local/ns/shop/sa/checkout'] })], {
  name: 'callers',
});

function change(side: PairSide, facts: Partial<MeshFacts>): void {
  side.facts.set({ ...side.facts.current, ...facts });
}

describe('authorization', () => {
  it('refuses a caller, and both sides name policy and rule', async () => {
    await using pair = await startPair({ serverFacts: { authorizationPolicies: [others] } });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.server.events.denied).toMatchObject([
      {
        ...{ direction: 'inbound', reason: 'authorization', transport: 'hbone' },
        ...{ peerId: CLIENT_ID, destination: pair.inbound },
        decision: expect.stringContaining('AuthorizationPolicy shop/callers rule[0]'),
      },
    ]);
    const [denied] = pair.client.events.denied;
    expect(denied).toMatchObject({
      ...{ direction: 'outbound', reason: 'refused-by-peer' },
      service: { host: 'reviews.shop', port: 80 },
    });
    expect(denied?.decision).toBe(pair.server.events.denied[0]?.decision);
    expect(pair.server.proxy.connections()).toEqual([]);
    expect(pair.server.proxy.stats.connectionsDenied).toBe(1);
  });

  it('lets a caller in that a rule allows, and says which', async () => {
    const policy = allow([fromSource({ principals: [products] })], { name: 'callers' });
    await using pair = await startPair({ serverFacts: { authorizationPolicies: [policy] } });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.server.proxy.connections()).toMatchObject([
      { decision: expect.stringContaining('shop/callers rule[0]') },
    ]);
  });

  it.each([
    ['an ALLOW that leaves the caller out', others],
    ['a DENY', deny([fromSource({ namespaces: ['shop'] })], { name: 'no-shop' })],
  ])('closes an open connection after %s', async (_, policy) => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const ending = readToEnd(socket);
    change(pair.server, { authorizationPolicies: [policy] });
    expect((await ending).how).toBe('reset');
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed[0]).toMatchObject({
      reason: 'policy-changed',
      detail: expect.stringContaining(`shop/${policy.metadata.name} rule[0]`),
    });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
  });

  it('leaves open what is still allowed, and tells the new reason', async () => {
    await using pair = await startPair();
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const policy = allow([fromSource({ principals: [products] })], { name: 'callers' });
    change(pair.server, { authorizationPolicies: [policy] });
    expect(await ask(socket, 'still there')).toBe('still there');
    expect(pair.server.proxy.connections()).toMatchObject([
      { decision: expect.stringContaining('shop/callers rule[0]') },
    ]);
  });
});

describe('PeerAuthentication', () => {
  it('closes open plaintext when the port becomes STRICT, and refuses new', async () => {
    await using pair = await startPair();
    const plain = await dial(pair.inbound);
    await ask(plain, 'hello');
    const mutual = await dial(pair.outbound);
    await ask(mutual, 'hello');
    const ending = readToEnd(plain);
    change(pair.server, {
      peerAuthentications: [peerAuthentication({ mtls: { mode: 'STRICT' } })],
    });
    expect((await ending).how).toBe('reset');
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed[0]).toMatchObject({
      ...{ transport: 'plaintext', reason: 'policy-changed' },
      detail: expect.stringMatching(/PeerAuthentication shop\/default .*STRICT/),
    });
    expect(await ask(mutual, 'still there')).toBe('still there');

    const next = await dial(pair.inbound);
    const refused = readToEnd(next);
    next.write('hello');
    expect((await refused).received).toHaveLength(0);
    expect(pair.server.events.denied).toMatchObject([{ reason: 'plaintext' }]);
  });

  it("closes the application's own TLS when the port becomes STRICT", async () => {
    const pems = testAuthority({ trustDomain: 'app.example' });
    const own = pems.pems(pems.issue('spiffe://app.example/own'));
    await using app = await startApp(createTlsServer(own, (socket) => socket.pipe(socket)));
    await using pair = await startPair({ app: app.address });
    const socket = connectTls({ ...pair.inbound, rejectUnauthorized: false });
    expect(await ask(socket, 'hello')).toBe('hello');
    const ending = readToEnd(socket);
    change(pair.server, {
      peerAuthentications: [peerAuthentication({ mtls: { mode: 'STRICT' } })],
    });
    expect((await ending).how).toBe('reset');
    await until(() => pair.server.events.closed.length === 1);
    expect(pair.server.events.closed).toMatchObject([
      { transport: 'passthrough', reason: 'policy-changed' },
    ]);
  });

  it.each(['PERMISSIVE', 'DISABLE'] as const)(
    'lets mutual TLS go on when the port becomes %s, and takes plaintext from then on',
    async (mode) => {
      await using pair = await startPair({
        ...{ transport: 'istio-mtls' },
        serverFacts: { peerAuthentications: [peerAuthentication({ mtls: { mode: 'STRICT' } })] },
      });
      const mutual = await dial(pair.outbound);
      await ask(mutual, 'hello');
      change(pair.server, { peerAuthentications: [peerAuthentication({ mtls: { mode } })] });
      expect(await ask(mutual, 'still there')).toBe('still there');
      expect(await ask(await dial(pair.inbound), 'hello')).toBe('hello');
      expect(pair.server.events.opened.map(({ transport }) => transport)).toEqual([
        'istio-mtls',
        'plaintext',
      ]);
    },
  );

  it('may be STRICT for one port only', async () => {
    await using pair = await startPair();
    const other = peerAuthentication({
      selector: { matchLabels: { app: 'reviews' } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { [String(pair.inbound.port)]: { mode: 'PERMISSIVE' } },
    });
    change(pair.server, { peerAuthentications: [other] });
    expect(await ask(await dial(pair.inbound), 'hello')).toBe('hello');
  });
});
