import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { MeshFacts } from '../../../src/policy/mesh-facts.ts';
import type { Address } from '../../../src/proxy/address.ts';
import type { ClientTls } from '../../../src/resources/kinds/traffic-policy-schema.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { opensslServer } from '../../kit/openssl-server.ts';
import { peer } from '../../kit/peer.ts';
import {
  configMap,
  destinationRule,
  peerAuthentication,
  serviceEntry,
} from '../../kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  LOOPBACK,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startPair,
} from '../../kit/proxy-pair.ts';
import { testAuthority } from '../../kit/test-authority.ts';

const AES128 = 'ECDHE-ECDSA-AES128-GCM-SHA256';
const AES256 = 'ECDHE-ECDSA-AES256-GCM-SHA384';
const authority = testAuthority();
const directory = mkdtempSync(join(tmpdir(), 'hauberk-bounds-'));
afterAll(() => rmSync(directory, { recursive: true }));

const file = (name: string, pem: string): string => {
  writeFileSync(join(directory, name), pem);
  return join(directory, name);
};
const client = authority.pems(authority.issue(CLIENT_ID));
const CLIENT = ['-cert', file('c.crt', client.cert), '-cert_chain', file('c.crt', client.cert)];
const CLIENT_KEY = ['-key', file('c.key', client.key)];

/** The settings of a mesh, as its ConfigMap has them. */
function mesh(settings: object): Pick<MeshFacts, 'configMaps'> {
  return { configMaps: [configMap({ mesh: JSON.stringify(settings) })] };
}

peer('openssl', (openssl) => {
  /** What `openssl s_client` says of a handshake with the workload port: version and cipher, or nothing. */
  async function shaken({ host, port }: Address, ...args: readonly string[]): Promise<string> {
    const target = ['-connect', `${host}:${port}`, '-CAfile', file('ca', client.ca)];
    const child = spawn(openssl, ['s_client', ...target, ...CLIENT, ...CLIENT_KEY, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        // The application's answer: the proxy has let it through.
        if (text.includes('hello')) child.stdin.end();
      });
    child.stdin.on('error', () => undefined);
    child.stdin.write('hello\n');
    await ended;
    const [, version = '', cipher = ''] =
      /^New, (?:TLSv1[.0-9/SLv]*), Cipher is (\S+)$/m.test(text) && text.includes('hello')
        ? (/Protocol *: (\S+)[\s\S]*?Cipher *: (\S+)/.exec(text) ??
          /New, (TLSv1\.\d)[^,]*, Cipher is (\S+)/.exec(text) ??
          [])
        : [];
    return `${version} ${cipher}`.trim();
  }

  /** A workload port that takes mutual TLS only, under these settings of the mesh. */
  async function strict(meshMTLS: object): Promise<ProxyPair> {
    const pair = await startPair({
      authority,
      serverFacts: {
        ...mesh({ meshMTLS }),
        peerAuthentications: [peerAuthentication({ mtls: { mode: 'STRICT' } })],
      },
    });
    onTestFinished(() => pair[Symbol.asyncDispose]());
    return pair;
  }

  describe('on a workload port meshMTLS', () => {
    it.each<[string, object, readonly string[], string]>([
      ['nothing', {}, ['-tls1_2'], `TLSv1.2 ${AES256}`],
      ['nothing', {}, ['-tls1_3'], 'TLSv1.3 TLS_AES_256_GCM_SHA384'],
      ['TLSV1_2', { minProtocolVersion: 'TLSV1_2' }, ['-tls1_2'], `TLSv1.2 ${AES256}`],
      ['TLSV1_3', { minProtocolVersion: 'TLSV1_3' }, ['-tls1_2'], ''],
      ['TLSV1_3', { minProtocolVersion: 'TLSV1_3' }, ['-tls1_3'], 'TLSv1.3 TLS_AES_256_GCM_SHA384'],
      [AES128, { cipherSuites: [AES128] }, ['-tls1_2'], `TLSv1.2 ${AES128}`],
      [AES128, { cipherSuites: [AES128] }, ['-tls1_2', '-cipher', AES256], ''],
      [
        'one that nobody knows',
        { cipherSuites: ['NOT-A-SUITE'] },
        ['-tls1_2'],
        `TLSv1.2 ${AES256}`,
      ],
      ['nothing', {}, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], ''],
    ])('with %s: %j answers s_client %j with "%s"', async (_, meshMTLS, args, expected) => {
      const pair = await strict(meshMTLS);
      expect(await shaken(pair.inbound, ...args)).toBe(expected);
      if (expected !== '') return;
      const [record] = pair.server.events.handshakes;
      expect(record).toMatchObject({ direction: 'inbound', transport: 'istio-mtls' });
      expect(record?.reason).toMatch(/version|cipher|protocol/i);
    });

    it('counts for the next handshake when the setting changes', async () => {
      const pair = await strict({});
      expect(await shaken(pair.inbound, '-tls1_2')).toBe(`TLSv1.2 ${AES256}`);
      const { facts } = pair.server;
      facts.set({ ...facts.current, ...mesh({ meshMTLS: { minProtocolVersion: 'TLSV1_3' } }) });
      expect(await shaken(pair.inbound, '-tls1_2')).toBe('');
      facts.set({ ...facts.current, ...mesh({}) });
      expect(await shaken(pair.inbound, '-tls1_2')).toBe(`TLSv1.2 ${AES256}`);
    });

    it('is not asked about HBONE, which is TLS 1.3', async () => {
      const pair = await strict({ minProtocolVersion: 'TLSV1_2' });
      expect(await shaken(pair.hbone, '-tls1_2', '-alpn', 'h2')).toBe('');
      const socket = await dial(pair.outbound);
      expect(await ask(socket, 'hello')).toBe('hello');
      expect(pair.client.events.opened).toMatchObject([
        { transport: 'hbone', tlsVersion: 'TLSv1.3', keyExchange: 'X25519MLKEM768' },
      ]);
    });
  });

  /** A client whose application reaches `api.example:443` by a rule with this `tls`. */
  async function calling(port: number, tls: ClientTls, settings: object): Promise<ProxyPair> {
    const ports = [{ number: 443, name: 'https', protocol: 'HTTPS', targetPort: port }];
    const pair = await startPair({
      authority,
      clientFacts: {
        ...mesh(settings),
        serviceEntries: [
          serviceEntry({ ports, resolution: 'STATIC', endpoints: [{ address: LOOPBACK }] }),
        ],
        destinationRules: [destinationRule({ host: 'api.example', trafficPolicy: { tls } })],
      },
      client: {
        outbound: [
          { listen: { host: LOOPBACK, port: 0 }, service: { host: 'api.example', port: 443 } },
        ],
      },
    });
    onTestFinished(() => pair[Symbol.asyncDispose]());
    return pair;
  }

  describe('to a server outside', () => {
    const outside = authority.pems(authority.issue(SERVER_ID, { dnsSans: ['api.example'] }));
    const caCertificates = file('outside.ca', outside.ca);
    const own = [
      ...['-cert', file('s.crt', outside.cert), '-cert_chain', file('s.crt', outside.cert)],
      ...['-key', file('s.key', outside.key)],
    ];
    const simple = { mode: 'SIMPLE', caCertificates } as const;

    it.each<[string, readonly string[], object, Partial<ClientTls>, object]>([
      [
        'TLS 1.3 and the best group that the server knows by default',
        [],
        {},
        {},
        { tlsVersion: 'TLSv1.3', keyExchange: expect.stringMatching(/^X25519/) },
      ],
      [
        'TLS 1.2 where the server has no more, even where tlsDefaults wants 1.3 of servers',
        ['-tls1_2'],
        { tlsDefaults: { minProtocolVersion: 'TLSV1_3' } },
        {},
        { tlsVersion: 'TLSv1.2' },
      ],
      [
        'the suites of tlsDefaults',
        ['-tls1_2'],
        { tlsDefaults: { cipherSuites: [AES128] } },
        {},
        { cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
      ],
      [
        'the curves of tlsDefaults',
        [],
        { tlsDefaults: { ecdhCurves: ['P-384'] } },
        {},
        { keyExchange: 'secp384r1' },
      ],
      [
        'the suites of the rule before those of tlsDefaults',
        ['-tls1_2'],
        { tlsDefaults: { cipherSuites: [AES128] } },
        { cipherSuites: [AES256] },
        { cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' },
      ],
      [
        'at most the version of the rule',
        [],
        {},
        { maxProtocolVersion: 'TLSV1_2' },
        { tlsVersion: 'TLSv1.2' },
      ],
    ])('SIMPLE speaks %s', async (_, args, settings, tls, expected) => {
      const [port = 0] = await freePorts(1);
      await using server = await opensslServer(openssl, port, [...own, ...args]);
      const pair = await calling(server.port, { ...simple, ...tls }, settings);
      expect(await ask(await dial(pair.outbound), 'hello\n')).toBe('olleh\n');
      expect(pair.client.events.opened).toMatchObject([{ transport: 'tls', ...expected }]);
    });

    it.each<[string, readonly string[], object, Partial<ClientTls>]>([
      ['an older version', ['-tls1_2'], {}, { minProtocolVersion: 'TLSV1_3' }],
      [
        'another suite',
        ['-tls1_2', '-cipher', AES256],
        { tlsDefaults: { cipherSuites: [AES128] } },
        {},
      ],
      ['another group', ['-groups', 'X25519'], { tlsDefaults: { ecdhCurves: ['P-384'] } }, {}],
    ])('SIMPLE refuses a server that has only %s, and says so', async (_, args, settings, tls) => {
      const [port = 0] = await freePorts(1);
      await using server = await opensslServer(openssl, port, [...own, ...args]);
      const pair = await calling(server.port, { ...simple, ...tls }, settings);
      expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
      expect(pair.client.events.handshakes).toMatchObject([
        { reason: expect.stringMatching(/handshake failure|protocol version|alert/i) },
      ]);
    });
  });

  it('by ISTIO_MUTUAL within the bounds of the rule', async () => {
    await using pair = await startPair({
      authority,
      transport: 'istio-mtls',
      clientFacts: {
        destinationRules: [
          destinationRule({
            trafficPolicy: {
              tls: {
                mode: 'ISTIO_MUTUAL',
                maxProtocolVersion: 'TLSV1_2',
                cipherSuites: [AES128],
              },
            },
          }),
        ],
      },
    });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    const seen = {
      transport: 'istio-mtls',
      tlsVersion: 'TLSv1.2',
      cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    };
    expect(pair.client.events.opened).toMatchObject([seen]);
    expect(pair.server.events.opened).toMatchObject([seen]);
  });
});
