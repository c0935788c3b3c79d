import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { destinationRule, service } from '../../../test/kit/policies.ts';
import { readToEnd, SERVER_ID, startApp, startPair, until } from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';

const authority = testAuthority();
const pems = authority.pems(
  authority.issue(SERVER_ID, { dnsSans: ['reviews.shop.svc.cluster.local'] }),
);
const directory = mkdtempSync(join(tmpdir(), 'hauberk-refused-'));
afterAll(() => rmSync(directory, { recursive: true }));
const caCertificates = join(directory, 'ca.pem');
writeFileSync(caCertificates, pems.ca);

it.each([false, true])(
  'a server that wants a certificate and gets none has cut the call, sent something or not (%s)',
  async (sends) => {
    // As servers do that verify within TLS: an alert after the client has finished.
    await using app = await startApp(
      createServer({ ...pems, requestCert: true, rejectUnauthorized: true }, (socket) => {
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }).on('tlsClientError', () => undefined),
    );
    const ports = [{ name: 'tcp', port: 80, targetPort: app.address.port }];
    await using pair = await startPair({
      clientFacts: {
        services: [service({ ports })],
        destinationRules: [
          destinationRule({ trafficPolicy: { tls: { mode: 'SIMPLE', caCertificates } } }),
        ],
      },
    });
    const socket = connect(pair.outbound);
    if (sends) socket.write('hello');
    expect(await readToEnd(socket)).toEqual({ received: Buffer.alloc(0), how: 'reset' });
    const { handshakes, closed } = pair.client.events;
    await until(() => closed.length === 1 && handshakes.length === 1);
    expect(closed).toMatchObject([{ transport: 'tls', reason: 'reset' }]);
    expect(handshakes).toMatchObject([
      {
        ...{ direction: 'outbound', transport: 'tls', verdict: 'ERR_UNREACHABLE' },
        reason: expect.stringMatching(/cut the connection after the TLS handshake.*none was shown/),
      },
    ]);
  },
);
