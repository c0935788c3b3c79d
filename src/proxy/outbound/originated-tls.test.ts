import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { configMap, destinationRule, serviceEntry } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  LOOPBACK,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  type TestApp,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { type TestAuthority, testAuthority } from '../../../test/kit/test-authority.ts';
import { testCrls } from '../../../test/kit/test-crls.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';
import { encodePem } from '../../x509/pem.ts';
import type { ProxyOptions } from '../proxy-options.ts';

const outside = testAuthority({ trustDomain: 'outside.example' });
const WORKLOAD = 'spiffe://outside.example/api';
const directory = mkdtempSync(join(tmpdir(), 'hauberk-tls-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Writes PEM to a file of its own and gives its path. */
function file(name: string, pem: string): string {
  const path = join(directory, name);
  writeFileSync(path, pem);
  return path;
}

const svid = outside.issue(WORKLOAD, { dnsSans: ['api.example', '*.wide.example'] });
const server = { ...outside.pems(svid), serial: svid.chain[0]?.serial ?? '' };
const caCertificates = file('ca.pem', server.ca);

/** The revocation lists of the authority outside, which has revoked these. */
function listing(...revoked: readonly string[]): string {
  const lists = testCrls(outside, { revoked });
  return lists.map(({ der }) => encodePem('X509 CRL', der)).join('');
}

/** A TLS server outside of the mesh, which echoes. */
function foreignServer(
  options: TlsOptions = {},
  authority: TestAuthority = outside,
): Promise<TestApp> {
  const pems = authority === outside ? server : authority.pems(authority.issue('spiffe://x/y'));
  return startApp(
    createTlsServer({ ...pems, ...options }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    }).on('tlsClientError', () => undefined),
  );
}

/** A sidecar whose application reaches `api.example:443`, which is `app`, by a rule with this `tls`. */
function calling(
  app: TestApp,
  tls: ClientTls,
  given: {
    readonly facts?: Partial<MeshFacts>;
    readonly client?: Partial<ProxyOptions>;
    readonly rule?: object;
  } = {},
): Promise<ProxyPair> {
  const { host: address, port: targetPort } = app.address;
  const ports = [{ number: 443, name: 'https', protocol: 'HTTPS', targetPort }];
  return startPair({
    clientFacts: {
      serviceEntries: [serviceEntry({ ports, resolution: 'STATIC', endpoints: [{ address }] })],
      destinationRules: [
        destinationRule({ host: 'api.example', trafficPolicy: { tls }, ...given.rule }),
      ],
      ...given.facts,
    },
    client: {
      outbound: [
        { listen: { host: LOOPBACK, port: 0 }, service: { host: 'api.example', port: 443 } },
      ],
      ...given.client,
    },
  });
}

/** Why the call failed, as it is in the record of the handshake. */
async function failure(pair: ProxyPair): Promise<string> {
  expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
  await until(() => pair.client.events.handshakes.length === 1);
  expect(pair.client.events.upstreams).toHaveLength(1);
  return pair.client.events.handshakes[0]?.reason ?? '';
}

describe('TLS by a DestinationRule', () => {
  it('is spoken with SIMPLE to a server that proves its name', async () => {
    await using app = await foreignServer();
    await using pair = await calling(app, { mode: 'SIMPLE', caCertificates });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.opened).toMatchObject([
      {
        ...{ transport: 'tls', tlsVersion: 'TLSv1.3', peerId: undefined },
        ...{ keyExchange: 'X25519MLKEM768' },
        transportBy: 'DestinationRule shop/rule (trafficPolicy)',
      },
    ]);
  });

  it('asks for the name of the rule, which a wildcard of the certificate may stand for', async () => {
    const asked: unknown[] = [];
    await using app = await foreignServer({
      SNICallback: (name, callback) => {
        asked.push(name);
        callback(null);
      },
    });
    const tls = { mode: 'SIMPLE', caCertificates, sni: 'one.wide.example' } as const;
    await using pair = await calling(app, tls);
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(asked).toEqual(['one.wide.example']);
  });

  it.each<[string, ClientTls, RegExp]>([
    ['an unknown authority', { mode: 'SIMPLE' }, /authorities that the DestinationRule trusts/],
    [
      'another name',
      { mode: 'SIMPLE', caCertificates, sni: 'two.wider.example' },
      /is for .*DNS:api.example.* and not for "two.wider.example"; set subjectAltNames/,
    ],
    [
      'none of the names of the rule',
      { mode: 'SIMPLE', caCertificates, subjectAltNames: ['spiffe://outside.example/other'] },
      /and not for "spiffe:\/\/outside.example\/other"/,
    ],
    [
      'an old version',
      { mode: 'SIMPLE', caCertificates, maxProtocolVersion: 'TLSV1_2' },
      /version|alert/i,
    ],
  ])('refuses a server with %s', async (_, tls, reason) => {
    await using app = await foreignServer({ minVersion: 'TLSv1.3' });
    await using pair = await calling(app, tls);
    expect(await failure(pair)).toMatch(reason);
  });

  it('takes a SPIFFE ID for a name', async () => {
    await using app = await foreignServer();
    const tls = { mode: 'SIMPLE', caCertificates, subjectAltNames: [WORKLOAD] } as const;
    await using pair = await calling(app, tls);
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('checks nothing where it is told to', async () => {
    await using app = await foreignServer({}, testAuthority({ trustDomain: 'x' }));
    await using pair = await calling(app, { mode: 'SIMPLE', insecureSkipVerify: true });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('offers the suites of the rule for TLS 1.2', async () => {
    await using app = await foreignServer({ maxVersion: 'TLSv1.2' });
    const tls: ClientTls = {
      ...{ mode: 'SIMPLE', caCertificates },
      cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'NO-SUCH-SUITE'],
    };
    await using pair = await calling(app, tls);
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.opened).toMatchObject([
      { tlsVersion: 'TLSv1.2', cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
    ]);
  });

  it('shows the certificate of the rule with MUTUAL, and a changed file to the next server', async () => {
    const shown: (string | undefined)[] = [];
    await using app = await startApp(
      createTlsServer({ ...server, requestCert: true, ca: server.ca }, (socket) => {
        shown.push(socket.getPeerX509Certificate()?.subjectAltName);
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }),
    );
    const write = (id: string): void => {
      const pems = outside.pems(outside.issue(id));
      file('client.pem', pems.cert);
      file('client.key', pems.key);
    };
    write('spiffe://outside.example/first');
    await using pair = await calling(app, {
      ...{ mode: 'MUTUAL', caCertificates },
      clientCertificate: join(directory, 'client.pem'),
      privateKey: join(directory, 'client.key'),
    });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    write('spiffe://outside.example/second-one');
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(shown).toEqual([
      'URI:spiffe://outside.example/first',
      'URI:spiffe://outside.example/second-one',
    ]);
  });

  it('refuses a server that a list of the rule names, and takes it again when a newer one does not', async () => {
    const caCrl = file('revoked.pem', listing(server.serial));
    await using app = await foreignServer();
    await using pair = await calling(app, { mode: 'SIMPLE', caCertificates, caCrl });
    expect(await failure(pair)).toMatch(
      /CERT_REVOKED\): the server's certificate is in the list of caCrl/,
    );
    file('revoked.pem', `${listing()}\n`);
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('says which file is missing', async () => {
    await using app = await foreignServer();
    await using pair = await calling(app, { mode: 'SIMPLE', caCertificates: '/no/such.pem' });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams).toMatchObject([
      { reason: expect.stringMatching(/caCertificates "\/no\/such.pem" of the DestinationRule/) },
    ]);
  });

  it('believes the authorities of a ConfigMap', async () => {
    await using app = await foreignServer();
    const tls = { mode: 'SIMPLE', credentialName: 'configmap://shop/api-ca' } as const;
    const configMaps = [configMap({ 'ca.crt': server.ca }, { name: 'api-ca', namespace: 'shop' })];
    const clock = new ManualClock(Date.now());
    await using pair = await calling(app, tls, { client: { clock } });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toMatch(/names no ConfigMap/);
    await clock.advance(1_000);
    pair.client.facts.set({ ...pair.client.facts.current, configMaps });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
  });

  it('reads a Secret where the rule is for some workloads', async () => {
    await using app = await foreignServer();
    const tls = { mode: 'SIMPLE', credentialName: 'api-ca' } as const;
    const rule = { workloadSelector: { matchLabels: { app: 'products' } } };
    const own = { certificate: undefined, privateKey: undefined };
    const credentials = new WatchableValue<HeldCredentials>(new Map());
    await using pair = await calling(app, tls, { rule, client: { credentials } });
    const early = dial(pair.outbound).then((socket) => ask(socket, 'hello'));
    credentials.set(new Map([['api-ca', { credential: { ...own, authorities: server.ca } }]]));
    expect(await early).toBe('hello');
    const revocationList = listing(server.serial);
    const credential = { ...own, authorities: server.ca, revocationList };
    credentials.set(new Map([['api-ca', { credential }]]));
    expect(await failure(pair)).toMatch(/CERT_REVOKED/);
    pair.client.events.upstreams.length = 0;
    credentials.set(new Map([['api-ca', { problem: 'there is no Secret shop/api-ca' }]]));
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.upstreams[0]?.reason).toMatch(/there is no Secret shop\/api-ca/);
  });
});
