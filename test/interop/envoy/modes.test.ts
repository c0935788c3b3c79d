import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MtlsMode } from '../../../src/policy/effective-peer-authentication.ts';
import type { ClientTls } from '../../../src/resources/kinds/traffic-policy-schema.ts';
import type { Envoy } from '../../kit/envoy.ts';
import { peer } from '../../kit/peer.ts';
import { destinationRule, peerAuthentication, service } from '../../kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  echoServer,
  type ProxyPair,
  SERVER_ID,
  startApp,
  startPair,
  type TestApp,
  until,
} from '../../kit/proxy-pair.ts';
import { testAuthority } from '../../kit/test-authority.ts';
import { type EnvoyTls, tlsEnvoy } from '../../kit/tls-envoy.ts';

const authority = testAuthority();
const pemsOf = (id: string, dnsSans: string[] = []) =>
  authority.pems(authority.issue(id, { dnsSans }));

type Protocol = 'http' | 'tcp' | 'undeclared';
/** What becomes of a connection: the transport of its record, why it was refused, or a failed handshake. */
type Outcome = 'plaintext' | 'passthrough' | 'istio-mtls' | 'no mTLS' | 'no TLS here' | 'failed';

const own = pemsOf(CLIENT_ID);
const trusted = authority.bundle.toPem();
/** Callers: what an Envoy speaks to the workload port. */
const CALLERS = {
  plaintext: undefined,
  'istio http': { own, trusted, alpn: ['istio-http/1.1', 'istio', 'http/1.1'] },
  'istio h2': { own, trusted, alpn: ['istio-h2', 'istio', 'h2'] },
  'istio tcp': { own, trusted, alpn: ['istio-peer-exchange', 'istio'] },
  'mesh certificate, h2': { own, trusted, alpn: ['h2'] },
  'istio without certificate': { alpn: ['istio-peer-exchange', 'istio'] },
  'foreign TLS': { alpn: ['h2'] },
} as const satisfies Record<string, EnvoyTls | undefined>;
type Caller = keyof typeof CALLERS;

/** istio-semantics 1.2 and 1.3, written out. */
const TABLE: Readonly<Record<MtlsMode, Readonly<Record<Caller, readonly Outcome[]>>>> = {
  // for http, tcp and undeclared
  DISABLE: {
    plaintext: ['plaintext', 'plaintext', 'plaintext'],
    'istio http': ['no TLS here', 'plaintext', 'plaintext'],
    'istio h2': ['no TLS here', 'plaintext', 'plaintext'],
    'istio tcp': ['no TLS here', 'plaintext', 'plaintext'],
    'mesh certificate, h2': ['no TLS here', 'plaintext', 'plaintext'],
    'istio without certificate': ['no TLS here', 'plaintext', 'plaintext'],
    'foreign TLS': ['no TLS here', 'plaintext', 'plaintext'],
  },
  PERMISSIVE: {
    plaintext: ['plaintext', 'plaintext', 'plaintext'],
    'istio http': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'istio h2': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'istio tcp': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'mesh certificate, h2': ['no TLS here', 'passthrough', 'passthrough'],
    'istio without certificate': ['failed', 'failed', 'failed'],
    'foreign TLS': ['no TLS here', 'passthrough', 'passthrough'],
  },
  STRICT: {
    plaintext: ['no mTLS', 'no mTLS', 'no mTLS'],
    'istio http': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'istio h2': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'istio tcp': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'mesh certificate, h2': ['istio-mtls', 'istio-mtls', 'istio-mtls'],
    'istio without certificate': ['failed', 'failed', 'failed'],
    'foreign TLS': ['failed', 'failed', 'failed'],
  },
};
const PROTOCOLS: readonly Protocol[] = ['http', 'tcp', 'undeclared'];
const MODES: readonly MtlsMode[] = ['DISABLE', 'PERMISSIVE', 'STRICT'];

async function outcome(pair: ProxyPair, socket: Socket): Promise<string> {
  const { opened, denied, handshakes } = pair.server.events;
  socket.write('GET / HTTP/1.1\r\nhost: reviews\r\n\r\n');
  await until(() => opened.length + denied.length + handshakes.length > 0, 10_000);
  const [[open], [refused], [failed]] = [opened.splice(0), denied.splice(0), handshakes.splice(0)];
  socket.destroy();
  if (open !== undefined) return open.transport;
  if (failed !== undefined) return 'failed';
  return refused?.reason === 'plaintext' ? 'no mTLS' : 'no TLS here';
}

const directory = mkdtempSync(join(tmpdir(), 'hauberk-modes-'));
afterAll(() => rmSync(directory, { recursive: true }));

peer('envoy-1.40', (binary) => {
  describe('calls a workload port', () => {
    let app: TestApp;
    let pair: ProxyPair;
    let envoy: Envoy;
    beforeAll(async () => {
      // It hangs up: an Envoy would use a connection again that still waits for its TLS.
      app = await startApp(createServer((socket) => socket.once('data', () => socket.destroy())));
      pair = await startPair({ app: app.address, authority });
      const routes = Object.entries(CALLERS).map(([name, onward]) => {
        return [name, { to: pair.inbound, ...(onward && { onward }) }] as const;
      });
      envoy = await tlsEnvoy(binary, Object.fromEntries(routes));
    });
    afterAll(async () => {
      await envoy?.[Symbol.asyncDispose]();
      await pair[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    });

    it.each(MODES.flatMap((mode) => PROTOCOLS.map((protocol) => [mode, protocol] as const)))(
      'under %s, declared as %s',
      async (mode, protocol) => {
        const { facts } = pair.server;
        const ports = [{ name: protocol, port: 80, targetPort: pair.inbound.port }];
        facts.set({
          ...facts.current,
          peerAuthentications: [peerAuthentication({ mtls: { mode } })],
          services: protocol === 'undeclared' ? [] : [service({ ports })],
        });
        for (const [caller, wanted] of Object.entries(TABLE[mode])) {
          const seen = await outcome(pair, await dial(envoy.address(caller)));
          expect.soft(seen, caller).toBe(wanted[PROTOCOLS.indexOf(protocol)]);
        }
      },
    );
  });

  describe('is called by a DestinationRule', () => {
    let app: TestApp;
    let envoy: Envoy;
    const server = pemsOf(SERVER_ID, ['reviews.shop.svc.cluster.local']);
    const file = (name: string, pem: string): string => {
      writeFileSync(join(directory, name), pem);
      return join(directory, name);
    };
    const caCertificates = file('ca.pem', trusted);
    const clientCertificate = file('c.pem', own.cert);
    const privateKey = file('c.key', own.key);
    const istio = { own: server, trusted, alpn: ['istio-peer-exchange', 'h2', 'http/1.1'] };

    beforeAll(async () => {
      app = await startApp(echoServer());
      const to = app.address;
      const curves = ['X25519MLKEM768', 'X25519'];
      const other = pemsOf('spiffe://cluster.local/ns/shop/sa/other');
      envoy = await tlsEnvoy(binary, {
        plain: { to },
        simple: { to, from: { own: server, curves } },
        mutual: { to, from: { own: server, trusted } },
        istio: { to, from: { ...istio, curves } },
        other: { to, from: { ...istio, own: other } },
      });
    });
    afterAll(async () => {
      await envoy?.[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    });

    /** What a call by such a rule to one of Envoy's listeners comes to: the transport, or why it failed. */
    async function called(listener: string, tls: ClientTls): Promise<object | string> {
      const ports = [{ name: 'tcp', port: 80, targetPort: envoy.address(listener).port }];
      await using pair = await startPair({
        ...{ authority, transport: 'istio-mtls' },
        clientFacts: {
          services: [service({ ports })],
          destinationRules: [destinationRule({ trafficPolicy: { tls } })],
        },
      });
      const socket = await dial(pair.outbound);
      const { opened, handshakes } = pair.client.events;
      const answer = await ask(socket, 'hello').catch(() => 'nothing');
      socket.destroy();
      if (answer === 'hello') return opened[0] ?? 'no record';
      await until(() => handshakes.length > 0 || opened.length > 0);
      return handshakes[0]?.reason ?? 'cut';
    }

    it.each<[string, ClientTls, object]>([
      ['plain', { mode: 'DISABLE' }, { transport: 'plaintext' }],
      ['plain', {}, { transport: 'plaintext' }],
      [
        'simple',
        { mode: 'SIMPLE', caCertificates },
        { transport: 'tls', tlsVersion: 'TLSv1.3', keyExchange: 'X25519MLKEM768' },
      ],
      [
        'simple',
        { mode: 'SIMPLE', caCertificates, maxProtocolVersion: 'TLSV1_2' },
        { transport: 'tls', tlsVersion: 'TLSv1.2' },
      ],
      ['simple', { mode: 'SIMPLE', insecureSkipVerify: true }, { transport: 'tls' }],
      [
        'mutual',
        { mode: 'MUTUAL', caCertificates, clientCertificate, privateKey },
        { transport: 'tls' },
      ],
      [
        'istio',
        { mode: 'ISTIO_MUTUAL' },
        { transport: 'istio-mtls', peerId: SERVER_ID, keyExchange: 'X25519MLKEM768' },
      ],
      [
        'istio',
        { mode: 'ISTIO_MUTUAL', maxProtocolVersion: 'TLSV1_2' },
        { transport: 'istio-mtls', peerId: SERVER_ID, tlsVersion: 'TLSv1.2' },
      ],
    ])('at %s with %j', async (listener, tls, expected) => {
      expect(await called(listener, tls)).toMatchObject(expected);
    });

    it.each<[string, ClientTls, RegExp]>([
      ['istio', { mode: 'DISABLE' }, /^cut$/],
      ['plain', { mode: 'ISTIO_MUTUAL' }, /unexpected message|wrong version number/],
      ['simple', { mode: 'SIMPLE' }, /authorities that the DestinationRule trusts/],
      ['simple', { mode: 'SIMPLE', caCertificates, sni: 'x.example' }, /not for "x.example"/],
      ['mutual', { mode: 'SIMPLE', caCertificates }, /certificate required/],
      ['istio', { mode: 'SIMPLE', caCertificates }, /certificate required/],
      ['other', { mode: 'ISTIO_MUTUAL' }, /proved to be ".*\/sa\/other"/],
    ])('and fails at %s with %j', async (listener, tls, reason) => {
      expect(await called(listener, tls)).toMatch(reason);
    });
  });
});
