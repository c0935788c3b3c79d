import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { destinationRule, serviceEntry } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  LOOPBACK,
  readToEnd,
  startApp,
  startPair,
} from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';

const known = testAuthority({ trustDomain: 'known.example' });
const directory = mkdtempSync(join(tmpdir(), 'hauberk-system-'));
afterAll(() => rmSync(directory, { recursive: true }));
// OpenSSL looks here for the authorities of the system, once in the life of a process: each test file has its own.
process.env['SSL_CERT_FILE'] = join(directory, 'system.pem');
writeFileSync(process.env['SSL_CERT_FILE'], known.bundle.toPem());

it.each<[string, ClientTls]>([
  ['where caCertificates says so', { mode: 'SIMPLE', caCertificates: 'system' }],
  ['where caCertificates is left out', { mode: 'SIMPLE' }],
])('the authorities of the system are believed %s, and no others', async (_, tls) => {
  for (const [authority, wanted] of [
    [known, 'hello'],
    [testAuthority({ trustDomain: 'known.example' }), 'reset'],
  ] as const) {
    const pems = authority.pems(authority.issue('spiffe://x/y', { dnsSans: ['api.example'] }));
    await using app = await startApp(
      createServer(pems, (socket) => {
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }).on('tlsClientError', () => undefined),
    );
    const { host: address, port: targetPort } = app.address;
    const ports = [{ number: 443, name: 'https', protocol: 'HTTPS', targetPort }];
    await using pair = await startPair({
      clientFacts: {
        serviceEntries: [serviceEntry({ ports, resolution: 'STATIC', endpoints: [{ address }] })],
        destinationRules: [destinationRule({ host: 'api.example', trafficPolicy: { tls } })],
      },
      client: {
        outbound: [
          { listen: { host: LOOPBACK, port: 0 }, service: { host: 'api.example', port: 443 } },
        ],
      },
    });
    const got =
      wanted === 'hello'
        ? await ask(await dial(pair.outbound), 'hello')
        : (await readToEnd(connect(pair.outbound))).how;
    expect(got).toBe(wanted);
  }
});
