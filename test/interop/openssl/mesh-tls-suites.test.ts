import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { generateKeyPair } from '../../../src/x509/key-pair.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { opensslServer } from '../../kit/openssl-server.ts';
import { peer } from '../../kit/peer.ts';
import { configMap, peerAuthentication, service } from '../../kit/policies.ts';
import { ask, CLIENT_ID, dial, SERVER_ID, startPair } from '../../kit/proxy-pair.ts';
import { testAuthority } from '../../kit/test-authority.ts';

const authority = testAuthority();
const directory = mkdtempSync(join(tmpdir(), 'hauberk-suites-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Arguments by which openssl shows an SVID of the mesh. */
function showing(name: string, id: string): readonly string[] {
  const pems = authority.pems(authority.issue(id));
  for (const [end, pem] of [['crt', pems.cert] as const, ['key', pems.key] as const])
    writeFileSync(join(directory, `${name}.${end}`), pem);
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  return ['-cert', cert, '-cert_chain', cert, '-key', key];
}

const meshMtls = (meshMTLS: object) => ({
  configMaps: [configMap({ mesh: JSON.stringify({ meshMTLS }) })],
});

/** The six of istio-semantics 1.2, by the key that the server must have for them. */
const SUITES = {
  ecdsa: ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  rsa: [
    ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ...['AES256-GCM-SHA384', 'AES128-GCM-SHA256'],
  ],
} as const;
/** Which OpenSSL has beside them, and would speak. */
const OTHERS = {
  ecdsa: ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA'],
  rsa: ['ECDHE-RSA-CHACHA20-POLY1305', 'AES128-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA'],
} as const;

peer('openssl', (openssl) => {
  /** Whether `s_client` agrees on TLS 1.2 with just these suites. */
  async function agrees(port: number, suite: string): Promise<boolean> {
    const args = ['-connect', `127.0.0.1:${port}`, '-tls1_2', '-cipher', `${suite}@SECLEVEL=0`];
    const child = spawn(openssl, ['s_client', ...args, ...showing('client', CLIENT_ID)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    await new Promise((resolve) => child.once('close', resolve));
    return text.includes(`Cipher is ${suite}\n`);
  }

  it.each(['ecdsa', 'rsa'] as const)(
    'with a key of %s a workload port speaks the suites of Istio by TLS 1.2, and no others',
    async (kind) => {
      const keys = generateKeyPair(kind === 'rsa' ? 'rsa-2048' : 'ecdsa-p256');
      const strict = peerAuthentication({ mtls: { mode: 'STRICT' } });
      await using pair = await startPair({
        ...{ authority, serverIdentity: authority.identity(SERVER_ID, { keys }) },
        serverFacts: { peerAuthentications: [strict] },
      });
      const found: Record<string, boolean> = {};
      for (const suite of [...SUITES[kind], ...OTHERS[kind]])
        found[suite] = await agrees(pair.inbound.port, suite);
      expect(found).toEqual({
        ...Object.fromEntries(SUITES[kind].map((suite) => [suite, true])),
        ...Object.fromEntries(OTHERS[kind].map((suite) => [suite, false])),
      });
    },
  );

  it('meshMTLS is for servers: a client of the mesh speaks what the server has', async () => {
    const [port = 0] = await freePorts(1);
    const args = ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384', '-verify', '3'];
    await using server = await opensslServer(openssl, port, [
      ...args,
      ...showing('server', SERVER_ID),
    ]);
    await using pair = await startPair({
      ...{ authority, transport: 'istio-mtls' },
      clientFacts: {
        ...meshMtls({
          minProtocolVersion: 'TLSV1_3',
          cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'],
        }),
        services: [service({ ports: [{ name: 'tcp', port: 80, targetPort: server.port }] })],
      },
    });
    expect(await ask(await dial(pair.outbound), 'hello\n')).toBe('olleh\n');
    expect(pair.client.events.opened).toMatchObject([
      {
        ...{ transport: 'istio-mtls', tlsVersion: 'TLSv1.2', peerId: SERVER_ID },
        cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      },
    ]);
  });
});
