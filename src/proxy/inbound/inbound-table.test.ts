import { createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { peerAuthentication, service } from '../../../test/kit/policies.ts';
import {
  CLIENT_ID,
  dial,
  type ProxyPair,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { type IssueOptions, testAuthority } from '../../../test/kit/test-authority.ts';
import type { MtlsMode } from '../../policy/effective-peer-authentication.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';

type Protocol = 'HTTP' | 'TCP' | 'undeclared';
/** What becomes of a connection: the transport of its record, or why there is none. */
type Outcome = 'plaintext' | 'passthrough' | 'istio-mtls' | 'no mTLS' | 'no TLS here' | RegExp;

const authority = testAuthority();
const foreign = testAuthority({ trustDomain: 'app.example' });
const HOUR_MS = 3_600_000;
const ISTIO_HTTP = ['istio-http/1.1', 'istio', 'http/1.1'];
const ISTIO_TCP = ['istio-peer-exchange', 'istio'];

/** A TLS client with a certificate of the mesh, but for what is given. */
function meshTls(ALPNProtocols: string[], id = CLIENT_ID, issue: IssueOptions = {}) {
  return { ...authority.pems(authority.issue(id, issue)), ALPNProtocols };
}

const CLIENTS: Readonly<Record<string, ConnectionOptions | string>> = {
  'plaintext HTTP': 'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
  'plaintext of another kind': '\x00\x01binary',
  "mTLS with Istio's ALPN for HTTP": meshTls(ISTIO_HTTP),
  "mTLS with Istio's ALPN for TCP": meshTls(ISTIO_TCP),
  "mTLS without Istio's ALPN": meshTls(['h2']),
  'mTLS without any ALPN': meshTls([]),
  'foreign TLS': {
    ...foreign.pems(foreign.issue('spiffe://app.example/x')),
    ALPNProtocols: ['h2'],
  },
  'no certificate': { ALPNProtocols: ISTIO_TCP },
  'a wrong trust domain': meshTls(ISTIO_TCP, 'spiffe://elsewhere.example/ns/shop/sa/products'),
  'a certificate of another authority': {
    ...foreign.pems(foreign.issue(CLIENT_ID)),
    ALPNProtocols: ISTIO_TCP,
  },
  'an expired certificate': meshTls(ISTIO_TCP, CLIENT_ID, {
    notBeforeMs: Date.now() - 2 * HOUR_MS,
    notAfterMs: Date.now() - HOUR_MS,
  }),
  'a certificate for servers only': meshTls(ISTIO_TCP, CLIENT_ID, {
    extendedKeyUsage: ['serverAuth'],
  }),
  'two URI SANs': meshTls(ISTIO_TCP, CLIENT_ID, { uriSans: [CLIENT_ID, `${CLIENT_ID}-2`] }),
};

const PLAIN = ['plaintext HTTP', 'plaintext of another kind'];
const MESH = ["mTLS with Istio's ALPN for HTTP", "mTLS with Istio's ALPN for TCP"];
const MESH_UNMARKED = ["mTLS without Istio's ALPN", 'mTLS without any ALPN'];
const BAD: Readonly<Record<string, RegExp>> = {
  'no certificate': /showed no certificate|no certificate/i,
  'a wrong trust domain': /elsewhere\.example/,
  'a certificate of another authority': /neither a trusted root/,
  'an expired certificate': /expired/,
  'a certificate for servers only': /clientAuth|extended key usage/i,
  'two URI SANs': /2 URI|two|exactly one URI/i,
};

/** What becomes of clients that offer one of Istio's protocols, where mTLS is taken. */
const OF_ISTIO: Readonly<Record<string, Outcome>> = {
  ...Object.fromEntries(MESH.map((client) => [client, 'istio-mtls'] as const)),
  ...BAD,
};

/** istio-semantics 1.2 and 1.3, as far as a connection shows it. */
function expected(protocol: Protocol, mode: MtlsMode, client: string): Outcome {
  const foreignTls = protocol === 'HTTP' ? 'no TLS here' : 'passthrough';
  if (PLAIN.includes(client)) return mode === 'STRICT' ? 'no mTLS' : 'plaintext';
  switch (mode) {
    case 'DISABLE':
      return protocol === 'HTTP' ? 'no TLS here' : 'plaintext';
    case 'PERMISSIVE':
      return OF_ISTIO[client] ?? foreignTls;
    case 'STRICT':
      return OF_ISTIO[client] ?? (client === 'foreign TLS' ? /app\.example/ : 'istio-mtls');
  }
}

/** Facts by which the workload port is of that protocol and mode. */
function factsFor(protocol: Protocol, mode: MtlsMode, port: number): Partial<MeshFacts> {
  const name = { HTTP: 'http-api', TCP: 'tcp-db', undeclared: 'something' }[protocol];
  return {
    peerAuthentications: [peerAuthentication({ mtls: { mode } })],
    services: [service({ ports: [{ name, port: 80, targetPort: port }] })],
  };
}

function opened(pair: ProxyPair, client: string): { close: () => void } {
  const options = CLIENTS[client];
  if (typeof options === 'string') {
    const socket = dial(pair.inbound).then((each: Socket) => each.write(options) && each);
    return { close: () => void socket.then((each) => typeof each === 'object' && each.destroy()) };
  }
  const socket = connectTls({ ...pair.inbound, rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  return { close: () => socket.destroy() };
}

/** What the server side reports next. */
async function outcome(pair: ProxyPair, client: string): Promise<string> {
  const { opened: open, denied, handshakes } = pair.server.events;
  const connection = opened(pair, client);
  await until(() => open.length + denied.length + handshakes.length > 0, 10_000);
  const [[first], [refused], [failed]] = [open.splice(0), denied.splice(0), handshakes.splice(0)];
  connection.close();
  if (first !== undefined) return first.transport;
  if (refused?.reason === 'plaintext') return 'no mTLS';
  if (refused?.reason === 'unexpected-tls') return 'no TLS here';
  return failed?.reason ?? JSON.stringify(refused);
}

const modes: readonly MtlsMode[] = ['DISABLE', 'PERMISSIVE', 'STRICT'];
const protocols: readonly Protocol[] = ['HTTP', 'TCP', 'undeclared'];

describe.each(protocols)('a port of protocol %s', (protocol) => {
  it.each(modes)('under %s', async (mode) => {
    await using app = await startApp(
      createServer((socket) => socket.on('error', () => undefined).resume()),
    );
    await using pair = await startPair({ app: app.address, authority });
    pair.server.facts.set({
      ...pair.server.facts.current,
      ...factsFor(protocol, mode, pair.inbound.port),
    });
    for (const client of Object.keys(CLIENTS)) {
      const wanted = expected(protocol, mode, client);
      const seen = await outcome(pair, client);
      expect
        .soft(seen, client)
        .toEqual(wanted instanceof RegExp ? expect.stringMatching(wanted) : wanted);
    }
  });
});

it('has a row for each client', () => {
  const known = [...PLAIN, ...MESH, ...MESH_UNMARKED, 'foreign TLS', ...Object.keys(BAD)];
  expect(new Set(Object.keys(CLIENTS))).toEqual(new Set(known));
});
