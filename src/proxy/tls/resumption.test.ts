import { randomBytes } from 'node:crypto';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { configMap } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  type ProxyPair,
  SERVER_ID,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import {
  type TestAuthority,
  type TlsPems,
  testAuthority,
} from '../../../test/kit/test-authority.ts';
import { systemClock } from '../../lib/clock.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { CertificateRevocation } from '../../resources/kinds/certificate-revocation.ts';
import { Resumption } from './resumption.ts';
import { hotSecureContext } from './secure-context.ts';

const DAY_MS = 86_400_000;

/** What both sides say of the handshake of one more connection: whether it was resumed. */
async function resumed(pair: ProxyPair): Promise<readonly [client: unknown, server: unknown]> {
  const before = pair.server.events.closed.length;
  const socket = await dial(pair.outbound);
  expect(await ask(socket, 'hello')).toBe('hello');
  // The tickets come behind the handshake.
  expect(await ask(socket, 'again')).toBe('again');
  socket.destroy();
  await until(() => pair.server.events.closed.length > before);
  const [client, server] = [pair.client, pair.server].map(({ events }) => events.opened.at(-1));
  expect(server?.peerId).toBe(CLIENT_ID);
  expect(client?.peerId).toBe(SERVER_ID);
  return [client?.resumed, server?.resumed];
}

/** A client with a program of its own, which comes back with a ticket or shows a certificate. */
function rawClient(pair: ProxyPair, shown: Partial<TlsPems> | { session: Buffer }): TLSSocket {
  const socket = connectTls({
    ...{ ...pair.hbone, ALPNProtocols: ['h2'], rejectUnauthorized: false, ...shown },
  });
  socket.on('error', () => undefined);
  return socket;
}

/** The ticket that a client gets for its certificate. */
async function ticketOf(pair: ProxyPair, pems: TlsPems): Promise<Buffer> {
  const socket = rawClient(pair, pems);
  const ticket = await new Promise<Buffer>((resolve, reject) => {
    socket.once('session', resolve);
    socket.once('close', () => reject(new Error('closed without a ticket')));
  });
  socket.destroy();
  return ticket;
}

function pemsOf(authority: TestAuthority): TlsPems {
  return authority.pems(authority.issue(CLIENT_ID));
}

describe('mutual TLS on a workload port', () => {
  it('resumes the session of the connection before, and proves who both are again', async () => {
    await using pair = await startPair({ transport: 'istio-mtls' });
    expect(await resumed(pair)).toEqual([false, false]);
    expect(await resumed(pair)).toEqual([true, true]);
    expect(await resumed(pair)).toEqual([true, true]);
  });

  it.each([
    [
      'the server has another certificate',
      ({ authority, server }: ProxyPair) => server.identity.set(authority.identity(SERVER_ID)),
    ],
    [
      'the client has another certificate',
      ({ authority, client }: ProxyPair) => client.identity.set(authority.identity(CLIENT_ID)),
    ],
    [
      'the server trusts other roots',
      ({ server }: ProxyPair) => {
        const { bundle } = server.identity.current;
        server.identity.set({ ...server.identity.current, bundle: bundle.withSequence(7) });
      },
    ],
    [
      'the server believes another mesh',
      ({ server }: ProxyPair) => {
        const { bundle } = testAuthority({ trustDomain: 'friend.example' });
        server.identity.set({ ...server.identity.current, federated: [bundle] });
      },
    ],
    [
      'the trust domain has another alias',
      ({ server }: ProxyPair) => {
        const mesh = JSON.stringify({ trustDomainAliases: ['old.example'] });
        server.facts.set({ ...server.facts.current, configMaps: [configMap({ mesh })] });
      },
    ],
    ['the server has heard of a revocation', ({ server }: ProxyPair) => revokeAnother(server)],
    ['the client has heard of a revocation', ({ client }: ProxyPair) => revokeAnother(client)],
  ])('begins anew when %s, and resumes that one then', async (_, change) => {
    await using pair = await startPair({ transport: 'istio-mtls' });
    expect(await resumed(pair)).toEqual([false, false]);
    expect(await resumed(pair)).toEqual([true, true]);
    change(pair);
    expect(await resumed(pair)).toEqual([false, false]);
    expect(await resumed(pair)).toEqual([true, true]);
  });
});

describe('a ticket of the HBONE port', () => {
  it('lets the same client back in', async () => {
    await using pair = await startPair();
    const session = await ticketOf(pair, pemsOf(pair.authority));
    const socket = rawClient(pair, { session });
    await until(() => pair.server.events.sessions.length === 2);
    const records = pair.server.events.sessions;
    expect(records.map(({ resumed: again, peerId }) => [again, peerId])).toEqual([
      [false, CLIENT_ID],
      [true, CLIENT_ID],
    ]);
    socket.destroy();
  });

  it('is of no use once the certificate has expired that it was given for', async () => {
    let lateMs = 0;
    const clock = { ...systemClock, now: () => Date.now() + lateMs };
    const authority = testAuthority();
    const long = { notAfterMs: Date.now() + 9 * DAY_MS };
    await using pair = await startPair({
      ...{ authority, server: { clock }, serverIdentity: authority.identity(SERVER_ID, long) },
    });
    const session = await ticketOf(pair, pemsOf(authority));
    lateMs = 2 * DAY_MS;
    rawClient(pair, { session });
    const expired = () =>
      pair.server.events.handshakes.find(({ reason }) => reason.includes('expired'));
    await until(() => expired() !== undefined);
    expect(expired()).toMatchObject({
      ...{ presentedId: CLIENT_ID, reason: expect.stringMatching(/expired/) },
    });
  });

  it('is not believed: the certificate in it must be of a trusted authority now', async () => {
    const ticketKeys = new WatchableValue<Uint8Array>(randomBytes(48));
    await using believing = await startPair({ server: { ticketKeys } });
    await using other = await startPair({ server: { ticketKeys } });
    const session = await ticketOf(believing, pemsOf(believing.authority));
    const socket = rawClient(other, { session });
    // TLS itself takes it: what refuses is the check of the certificate.
    const taken = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(socket.isSessionReused()));
    });
    expect(taken).toBe(true);
    await until(() => other.server.events.handshakes.length === 1);
    expect(other.server.events.handshakes[0]).toMatchObject({ presentedId: CLIENT_ID });
    expect(other.server.events.sessions).toEqual([]);
  });
});

describe('the authorities of resumed sessions', () => {
  const authority = testAuthority();
  const { chain } = authority.identity(CLIENT_ID).svid;
  const [leaf, issuer] = chain;
  const peer = {
    ...{
      id: CLIENT_ID,
      principal: CLIENT_ID.slice('spiffe://'.length),
      serial: '1',
      notAfterMs: 0,
    },
    issuer: issuer?.subject ?? '',
    certificateHash: '',
    authoritySerials: [issuer?.serial ?? ''],
  };
  // As Node's, of a session that was resumed by a ticket with this leaf in it.
  const socket = {
    isSessionReused: () => true,
    getPeerX509Certificate: () => ({ raw: Buffer.from(leaf?.der ?? []) }),
  } as unknown as TLSSocket;
  const keys = new WatchableValue(new Uint8Array(48));

  it('are those that this worker has met, or others have', () => {
    const met: Uint8Array[] = [];
    const here = new Resumption({ keys, learned: (der) => met.push(der) });
    expect(here.clientChain(socket, [])).toHaveLength(1);
    here.learn(chain, peer);
    here.learn(chain, peer);
    expect(here.clientChain(socket, []).map(({ serial }) => serial)).toEqual(
      chain.map(({ serial }) => serial),
    );
    expect(met).toEqual([issuer?.der]);
    const issuers = new WatchableValue<readonly Uint8Array[]>([]);
    const there = new Resumption({ keys, issuers });
    expect(there.clientChain(socket, [])).toHaveLength(1);
    issuers.set(met);
    expect(there.clientChain(socket, [])).toHaveLength(2);
  });

  it('are also those that have signed for oneself', () => {
    const here = new Resumption({ keys });
    expect(here.clientChain(socket, authority.identity(SERVER_ID).svid.chain)).toHaveLength(2);
  });

  it('are not those that a peer merely sent along', () => {
    const here = new Resumption({ keys });
    here.learn(chain, { ...peer, authoritySerials: [] });
    expect(here.clientChain(socket, [])).toHaveLength(1);
  });
});

/** Tells of the revocation of a certificate that nobody here has. */
function revokeAnother({ facts }: ProxyPair['server']): void {
  const revocation: CertificateRevocation = {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'CertificateRevocation',
    metadata: { name: 'abcdef' },
    spec: {
      ...{ identity: 'spiffe://cluster.local/ns/shop/sa/other', issuerSerial: '0a' },
      ...{ reason: 'keyCompromise', revokedAt: '2026-01-01T00:00:00.000Z' },
      notAfter: '2036-01-01T00:00:00.000Z',
    },
  };
  facts.set({ ...facts.current, revocations: [revocation] });
}

it('knows what a server had shown whose session was offered, though it was forgotten meanwhile', async () => {
  await using pair = await startPair();
  const { secureContext } = hotSecureContext(pair.client.identity, 'hbone').current;
  const resumption = new Resumption({ keys: new WatchableValue(new Uint8Array(48)) });
  const given = { context: secureContext, server: 'reviews' };
  const connectBy = async (session: Buffer | undefined): Promise<TLSSocket> => {
    const socket = connectTls({
      ...{ ...pair.hbone, ALPNProtocols: ['h2'], rejectUnauthorized: false, secureContext },
      ...(session === undefined ? {} : { session }),
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    return socket;
  };
  const first = await connectBy(undefined);
  const chain = resumption.serverChain(first, undefined);
  resumption.keep(first, given, chain);
  await until(() => resumption.offer(given) !== undefined);
  const offered = resumption.offer(given);
  const second = await connectBy(offered?.ticket);
  // another handshake with the same server has failed while this one went on
  resumption.forget(given);
  expect(second.isSessionReused()).toBe(true);
  expect(resumption.serverChain(second, offered).map(({ serial }) => serial)).toEqual(
    chain.map(({ serial }) => serial),
  );
  for (const socket of [first, second]) socket.destroy();
});
