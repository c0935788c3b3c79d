import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { allow, fromSource } from '../../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { type IssueOptions, testAuthority } from '../../../test/kit/test-authority.ts';
import { defaultMeshSettings } from '../../policy/mesh-settings.ts';
import { formatAddress } from '../address.ts';

type TlsPems = ReturnType<ProxyPair['authority']['pems']>;

const HOUR_MS = 3_600_000;
const expired: IssueOptions = {
  notBeforeMs: Date.now() - 3 * HOUR_MS,
  notAfterMs: Date.now() - HOUR_MS,
};

/** A TLS connection of a client that is no sidecar to the server's HBONE port. */
function rawClient(pair: ProxyPair, pems: Partial<TlsPems>): TLSSocket {
  const socket = connectTls({
    ...{ ...pair.hbone, ...pems, ALPNProtocols: ['h2'], rejectUnauthorized: false },
  });
  socket.on('error', () => undefined);
  return socket;
}

/** The answer to one HTTP/2 request of such a client. */
async function request(
  pair: ProxyPair,
  headers: Record<string, string>,
): Promise<IncomingHttpHeaders> {
  const socket = rawClient(pair, pair.authority.pems(pair.authority.issue(CLIENT_ID)));
  const session = connectHttp2('https://hbone.invalid', { createConnection: () => socket });
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request(headers, { endStream: false });
      stream.once('response', resolve);
      stream.once('error', reject);
      stream.once('close', () => reject(new Error(`closed with code ${stream.rstCode}`)));
    });
  } finally {
    session.destroy();
  }
}

describe('the calling side', () => {
  it('refuses a server with another identity, naming both', async () => {
    const authority = testAuthority();
    const impostor = 'spiffe://cluster.local/ns/shop/sa/impostor';
    const serverIdentity = authority.identity(impostor);
    await using pair = await startPair({ authority, serverIdentity });
    const socket = connect(pair.outbound);
    expect((await readToEnd(socket)).how).toBe('reset');
    expect(pair.client.events.handshakes).toMatchObject([
      {
        ...{ direction: 'outbound', transport: 'hbone', destination: pair.hbone },
        ...{ expectedIds: [SERVER_ID], presentedId: impostor },
        presentedSerial: serverIdentity.svid.chain[0]?.serial,
        reason: expect.stringContaining(`"${impostor}"`),
      },
    ]);
    expect(pair.client.events.handshakes[0]?.reason).toContain(SERVER_ID);
    expect(pair.client.events.upstreams).toHaveLength(1);
    expect(pair.server.events.opened).toEqual([]);
  });

  it('refuses a server of another trust domain', async () => {
    const other = testAuthority({ trustDomain: 'other.example' });
    const serverIdentity = other.identity('spiffe://other.example/ns/shop/sa/reviews');
    await using pair = await startPair({ serverIdentity });
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.handshakes[0]?.reason).toMatch(/other\.example.*no bundle/);
  });

  it('refuses a server whose certificate another authority of the same name signed', async () => {
    const serverIdentity = testAuthority().identity(SERVER_ID);
    await using pair = await startPair({ serverIdentity });
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.handshakes[0]?.reason).toMatch(/neither a trusted root/);
  });

  it('takes a server that proves the expected identity under an alias of the trust domain', async () => {
    const authority = testAuthority();
    const settings = { ...defaultMeshSettings, trustDomainAliases: ['old.example'] };
    const serverIdentity = authority.identity('spiffe://old.example/ns/shop/sa/reviews');
    await using pair = await startPair({ authority, serverIdentity, settings });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('does not use an own certificate that has run out, and says whose clock', async () => {
    const authority = testAuthority();
    const clientIdentity = authority.identity(CLIENT_ID, expired);
    await using pair = await startPair({ authority, clientIdentity });
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.handshakes[0]?.reason).toMatch(/own certificate.*valid from.*it is/);
    expect(pair.server.events.opened).toEqual([]);
  });

  it('refuses to call a workload without an identity', async () => {
    await using pair = await startPair();
    const { facts } = pair.client;
    const [entry] = facts.current.workloadEntries;
    if (entry === undefined) throw new Error('the pair has no WorkloadEntry');
    const { serviceAccount: _, ...spec } = entry.spec;
    facts.set({ ...facts.current, workloadEntries: [{ ...entry, spec }] });
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.upstreams[0]?.reason).toMatch(/no serviceAccount/);
  });

  it('lets an address rest after two failed dials, and says until when', async () => {
    const authority = testAuthority();
    const limits = { firstDialBackoffMs: 10_000, maxDialBackoffMs: 60_000 };
    const serverIdentity = authority.identity('spiffe://cluster.local/ns/shop/sa/impostor');
    await using pair = await startPair({ authority, serverIdentity, client: { limits } });
    await readToEnd(connect(pair.outbound));
    await readToEnd(connect(pair.outbound));
    await readToEnd(connect(pair.outbound));
    expect(pair.client.events.handshakes).toHaveLength(2);
    expect(pair.client.events.upstreams[2]?.reason).toMatch(/tried again in \d+ ms/);
  });
});

describe('the HBONE port', () => {
  it.each([
    ['no certificate', (): Partial<TlsPems> => ({}), /showed no certificate/],
    [
      'an expired certificate',
      ({ authority }: ProxyPair) => authority.pems(authority.issue(CLIENT_ID, expired)),
      /certificate "spiffe:\/\/cluster\.local\/ns\/shop\/sa\/products".*expired/,
    ],
    [
      'two URI SANs',
      ({ authority }: ProxyPair) =>
        authority.pems(
          authority.issue(CLIENT_ID, {
            uriSans: [CLIENT_ID, 'spiffe://cluster.local/ns/shop/sa/other'],
          }),
        ),
      /2 URI SANs/,
    ],
    [
      'a CA certificate',
      ({ authority }: ProxyPair) =>
        authority.pems(
          authority.issue(CLIENT_ID, {
            ...{ isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] },
            subject: [{ type: 'O', value: 'a CA' }],
          }),
        ),
      /CA:true/,
    ],
    [
      'an identity of another trust domain',
      () => {
        const other = testAuthority({ trustDomain: 'other.example' });
        return other.pems(other.issue('spiffe://other.example/ns/shop/sa/products'));
      },
      /other\.example.*no bundle/,
    ],
    [
      'a certificate that is for servers only',
      ({ authority }: ProxyPair) =>
        authority.pems(authority.issue(CLIENT_ID, { extendedKeyUsage: ['serverAuth'] })),
      /clientAuth/,
    ],
  ])('refuses a client with %s', async (_, pemsFor, reason) => {
    await using pair = await startPair();
    const socket = rawClient(pair, pemsFor(pair));
    await new Promise((resolve) => socket.once('close', resolve));
    await until(() => pair.server.events.handshakes.length === 1);
    expect(pair.server.events.handshakes[0]).toMatchObject({
      ...{ direction: 'inbound', transport: 'hbone', ownId: SERVER_ID, expectedIds: [] },
      reason: expect.stringMatching(reason),
    });
    expect(pair.server.events.sessions).toEqual([]);
  });

  it.each([
    ['TLS 1.2', { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] } as const],
    ['another protocol', { ALPNProtocols: ['http/1.1'] } as const],
    ['no protocol', {} as const],
  ])('refuses a client that speaks %s', async (_, options) => {
    await using pair = await startPair();
    const pems = pair.authority.pems(pair.authority.issue(CLIENT_ID));
    const socket = connectTls({ ...pair.hbone, ...pems, rejectUnauthorized: false, ...options });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    await until(() => pair.server.events.handshakes.length === 1);
  });

  it('answers 200 for an address and port of the workload', async () => {
    await using pair = await startPair();
    const authority = formatAddress(pair.inbound);
    const answer = await request(pair, { ':method': 'CONNECT', ':authority': authority });
    expect(answer[':status']).toBe(200);
  });

  it.each([
    ['10.9.9.9:80', 404],
    ['127.0.0.1:1', 404],
    ['nonsense', 400],
    ['127.0.0.1:99999', 400],
  ])('answers a CONNECT to %s with %i', async (authority, status) => {
    await using pair = await startPair();
    const answer = await request(pair, { ':method': 'CONNECT', ':authority': authority });
    expect(answer[':status']).toBe(status);
    expect(pair.server.events.denied).toMatchObject([{ reason: 'not-served', peerId: CLIENT_ID }]);
  });

  it('refuses what is no CONNECT', async () => {
    await using pair = await startPair();
    const answer = await request(pair, {
      ...{ ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': 'x' },
    });
    expect(answer[':status']).toBe(405);
  });

  it('answers a refusal with 403 and a header that names policy and rule', async () => {
    await using pair = await startPair();
    const { facts } = pair.server;
    const policy = allow([fromSource({ principals: ['cluster.local/ns/shop/sa/other'] })], {
      name: 'callers',
    });
    facts.set({ ...facts.current, authorizationPolicies: [policy] });
    const authority = formatAddress(pair.inbound);
    const answer = await request(pair, { ':method': 'CONNECT', ':authority': authority });
    expect(answer[':status']).toBe(403);
    expect(answer['x-hauberk-denied-by']).toMatch(/AuthorizationPolicy shop\/callers rule\[0\]/);
  });

  it('answers 503 when the application cannot be reached', async () => {
    await using pair = await startPair({ app: { host: '127.0.0.1', port: 1 } });
    const authority = formatAddress(pair.inbound);
    const answer = await request(pair, { ':method': 'CONNECT', ':authority': authority });
    expect(answer[':status']).toBe(503);
  });

  it('refuses streams over its limit', async () => {
    await using pair = await startPair({ server: { limits: { maxConnections: 1 } } });
    const socket = await dial(pair.outbound);
    await ask(socket, 'x');
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.server.events.denied).toMatchObject([{ reason: 'limit' }]);
    socket.destroy();
    await until(() => pair.server.events.closed.length === 1);
    expect(await ask(await dial(pair.outbound), 'again')).toBe('again');
  });
});
