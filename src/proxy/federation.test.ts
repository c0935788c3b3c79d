import { describe, expect, it } from 'vitest';
import { authorizationPolicy, settings as ownSettings } from '../../test/kit/policies.ts';
import {
  ask,
  dial,
  type PairOptions,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { annotations } from '../resources/annotations.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';

const PARTNER = 'partner.example';
const PARTNER_ID = `spiffe://${PARTNER}/ns/shop/sa/products`;
const own = testAuthority();
const partner = testAuthority({ trustDomain: PARTNER });
const stranger = testAuthority({ trustDomain: 'stranger.example' });

const TRANSPORTS = ['hbone', 'istio-mtls'] as const;

/** The server side is of cluster.local, the client side of partner.example; each has added the other. */
async function startFederated(
  options: PairOptions & {
    readonly serverTrusts?: readonly TrustBundle[];
    readonly clientTrusts?: readonly TrustBundle[];
  } = {},
): Promise<ProxyPair> {
  const { serverTrusts = [partner.bundle], clientTrusts = [own.bundle] } = options;
  const pair = await startPair({
    authority: own,
    serverIdentity: { ...own.identity(SERVER_ID), federated: serverTrusts },
    clientIdentity: { ...partner.identity(PARTNER_ID), federated: clientTrusts },
    client: { settings: { ...ownSettings, trustDomain: PARTNER } },
    ...options,
  });
  const { facts } = pair.client;
  const workloadEntries = facts.current.workloadEntries.map((entry) => {
    const noted = { ...entry.metadata.annotations, [annotations.trustDomain]: 'cluster.local' };
    return { ...entry, metadata: { ...entry.metadata, annotations: noted } };
  });
  facts.set({ ...facts.current, workloadEntries });
  return pair;
}

async function refusedBy(pair: ProxyPair, side: 'client' | 'server'): Promise<string> {
  const socket = await dial(pair.outbound);
  expect((await readToEnd(socket)).received.toString()).toBe('');
  await until(() => pair[side].events.handshakes.length > 0);
  return pair[side].events.handshakes[0]?.reason ?? '';
}

describe.each(TRANSPORTS)('two trust domains over %s', (transport) => {
  it('reach each other once each has the bundle of the other', async () => {
    await using pair = await startFederated({ transport });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.server.events.opened[0]?.peerId).toBe(PARTNER_ID);
    expect(pair.client.events.opened[0]?.peerId).toBe(SERVER_ID);
    socket.destroy();
  });

  it('do not when the server has not', async () => {
    await using pair = await startFederated({ transport, serverTrusts: [] });
    expect(await refusedBy(pair, 'server')).toMatch(
      /"partner.example", of which there is no bundle/,
    );
  });

  it('do not when the client has not', async () => {
    await using pair = await startFederated({ transport, clientTrusts: [] });
    expect(await refusedBy(pair, 'client')).toMatch(/"cluster.local", of which there is no bundle/);
  });

  it('are never pooled: a bundle proves identities of its own domain only', async () => {
    // The stranger's authority issues certificates that name the partner.
    const forged = stranger.identity(PARTNER_ID);
    await using pair = await startFederated({
      transport,
      serverTrusts: [partner.bundle, stranger.bundle],
      clientIdentity: { ...forged, federated: [own.bundle] },
    });
    expect(await refusedBy(pair, 'server')).toMatch(/neither a trusted root nor in the chain/);
  });

  it('are not while all authorities of one are revoked', async () => {
    const none = TrustBundle.of(partner.trustDomain, [], { sequence: 2 });
    await using pair = await startFederated({ transport, serverTrusts: [none] });
    expect(await refusedBy(pair, 'server')).toMatch(/whose authorities are all revoked/);
  });

  it('are judged by policies that name the foreign principal', async () => {
    const only = (principal: string) =>
      authorizationPolicy({
        action: 'ALLOW',
        rules: [{ from: [{ source: { principals: [principal] } }] }],
      });
    await using pair = await startFederated({
      transport,
      serverFacts: { authorizationPolicies: [only(`${PARTNER}/ns/shop/sa/products`)] },
    });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    const ending = readToEnd(socket);
    // The same service account of this mesh is another identity.
    const authorizationPolicies = [only('cluster.local/ns/shop/sa/products')];
    pair.server.facts.set({ ...pair.server.facts.current, authorizationPolicies });
    expect((await ending).how).toBe('reset');
    expect(pair.server.events.closed[0]?.reason).toBe('policy-changed');
  });

  it('are cut from each other when one removes the other', async () => {
    await using pair = await startFederated({ transport });
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const ending = readToEnd(socket);
    const { identity, events } = pair.server;
    identity.set({ ...identity.current, federated: [] });
    expect((await ending).how).toBe('reset');
    await until(() => events.closed.length === 1);
    expect(events.closed[0]).toMatchObject({
      reason: 'untrusted',
      detail: 'the trust domain "partner.example" is not federated with this mesh',
    });
    expect(await refusedBy(pair, 'server')).toMatch(/no bundle here/);
  });

  it('follow a root that is replaced: the new one is believed, then the old one no more', async () => {
    const next = testAuthority({ trustDomain: PARTNER });
    await using pair = await startFederated({ transport });
    const { server, client } = pair;
    const believe = (...roots: (typeof partner)[]): void => {
      const x509 = roots.map(({ root }) => root);
      const bundle = TrustBundle.of(partner.trustDomain, x509, { sequence: 1 + roots.length });
      server.identity.set({ ...server.identity.current, federated: [bundle] });
    };
    const becomes = (authority: typeof partner): void =>
      client.identity.set({ ...authority.identity(PARTNER_ID), federated: [own.bundle] });
    believe(partner, next);
    becomes(next);
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'by the new root')).toBe('by the new root');
    socket.destroy();
    believe(next);
    becomes(partner);
    expect(await refusedBy(pair, 'server')).toMatch(/neither a trusted root nor in the chain|sign/);
  });

  it('keep what is open when a bundle changes', async () => {
    await using pair = await startFederated({ transport });
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const { identity } = pair.server;
    const next = testAuthority({ trustDomain: PARTNER });
    const replaced = TrustBundle.of(partner.trustDomain, [next.root], { sequence: 2 });
    identity.set({ ...identity.current, federated: [replaced] });
    expect(await ask(socket, 'still there')).toBe('still there');
    socket.destroy();
  });
});

it('expects the own trust domain where the WorkloadEntry names no other', async () => {
  await using pair = await startFederated();
  const { facts } = pair.client;
  const workloadEntries = facts.current.workloadEntries.map((entry) => {
    const { [annotations.trustDomain]: _, ...rest } = entry.metadata.annotations ?? {};
    return { ...entry, metadata: { ...entry.metadata, annotations: rest } };
  });
  facts.set({ ...facts.current, workloadEntries });
  expect(await refusedBy(pair, 'client')).toMatch(/and not "spiffe:\/\/partner.example\/ns\/shop/);
});

it('takes no server of another trust domain where nobody says who must answer', async () => {
  await using pair = await startFederated({ transport: 'istio-mtls' });
  const { facts } = pair.client;
  const workloadEntries = facts.current.workloadEntries.map((entry) => {
    const { serviceAccount: _, ...spec } = entry.spec;
    const labels = { ...entry.metadata.labels, 'security.istio.io/tlsMode': 'istio' };
    return { ...entry, metadata: { ...entry.metadata, annotations: {}, labels }, spec };
  });
  facts.set({ ...facts.current, workloadEntries });
  expect(await refusedBy(pair, 'client')).toMatch(/which is not of this mesh/);
});

it('cuts the session that carried nothing at the time', async () => {
  await using pair = await startFederated();
  const socket = await dial(pair.outbound);
  await ask(socket, 'hello');
  socket.destroy();
  const { identity, events } = pair.server;
  await until(() => events.closed.length === 1);
  identity.set({ ...identity.current, federated: [] });
  await until(() => events.endedSessions.length === 1);
  expect(events.endedSessions[0]?.reason).toContain('is not federated');
});
