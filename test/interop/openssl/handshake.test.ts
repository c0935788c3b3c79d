import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  connect,
  createServer,
  type DetailedPeerCertificate,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SpiffeId } from '../../../src/spiffe/spiffe-id.ts';
import { verifyPeer } from '../../../src/spiffe/verify-peer.ts';
import { parseCertificate } from '../../../src/x509/certificate.ts';
import { peer } from '../../kit/peer.ts';
import { type TestAuthority, testAuthority } from '../../kit/test-authority.ts';
import { OpensslDirectory } from './openssl-directory.ts';

const SERVER = 'spiffe://cluster.local/ns/shop/sa/reviews';
const CLIENT = 'spiffe://cluster.local/ns/shop/sa/frontend';
const algorithms = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const;

/** Writes key, certificates and roots of `id` and gives openssl's arguments for them. */
function credentials(directory: OpensslDirectory, authority: TestAuthority, id: string): string[] {
  const { key, cert, ca } = authority.pems(authority.issue(id));
  directory.write('key.pem', key);
  directory.write('cert.pem', cert);
  directory.write('ca.pem', ca);
  return ['-key', 'key.pem', '-cert', 'cert.pem', '-cert_chain', 'cert.pem', '-CAfile', 'ca.pem'];
}

/** Who is at the other end, by our own rules over the certificates that it sent. */
function peerOf(socket: TLSSocket, authority: TestAuthority): SpiffeId {
  const chain: Uint8Array[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && !chain.some((der) => next?.raw.equals(der))) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return verifyPeer({
    chain: chain.map(parseCertificate),
    bundles: () => authority.bundle,
    nowMs: Date.now(),
  });
}

/** Our server, asking for certificates; gives its port. */
async function serve(
  authority: TestAuthority,
  onPeer: (socket: TLSSocket) => void,
): Promise<number> {
  const pems = authority.pems(authority.issue(SERVER));
  const server = createServer({ ...pems, requestCert: true, rejectUnauthorized: true });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    onPeer(socket);
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function start(
  openssl: string,
  directory: OpensslDirectory,
  args: readonly string[],
): ChildProcess {
  const child = spawn(openssl, args, { cwd: directory.path, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The first match of `pattern` in what the program prints. */
async function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = '';
  return await new Promise((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      text += chunk.toString();
      const match = pattern.exec(text);
      if (match !== null) resolve(match);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.on('exit', (code) => reject(new Error(`openssl ended with ${code}: ${text}`)));
  });
}

peer('openssl', (openssl) => {
  describe.each(algorithms)('with %s', (algorithm) => {
    it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
      's_server and our client agree on %s',
      async (version) => {
        const directory = new OpensslDirectory(openssl);
        const authority = testAuthority({ algorithm });
        const server = start(openssl, directory, [
          ...['s_server', '-accept', '127.0.0.1:0', '-rev', '-Verify', '3', '-verify_return_error'],
          ...credentials(directory, authority, SERVER),
        ]);
        const [, port = ''] = await printed(server, /ACCEPT .*:(\d+)/);
        const { key, cert, ca } = authority.pems(authority.issue(CLIENT));
        const socket = connect({
          ...{ host: '127.0.0.1', port: Number(port), key, cert, ca },
          minVersion: version,
          maxVersion: version,
          checkServerIdentity: () => undefined,
        });
        onTestFinished(() => void socket.destroy());
        await once(socket, 'secureConnect');
        expect(socket.authorized).toBe(true);
        expect(peerOf(socket, authority).toString()).toBe(SERVER);
        socket.write('hauberk\n');
        const [answer] = await once(socket, 'data');
        expect(String(answer)).toBe('krebuah\n');
      },
    );

    it('s_client and our server agree', async () => {
      const directory = new OpensslDirectory(openssl);
      const authority = testAuthority({ algorithm });
      const seen: SpiffeId[] = [];
      const port = await serve(authority, (socket) => {
        seen.push(peerOf(socket, authority));
        socket.end('hello from hauberk\n');
      });
      const client = start(openssl, directory, [
        ...['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error', '-quiet'],
        ...credentials(directory, authority, CLIENT),
      ]);
      await printed(client, /hello from hauberk/);
      expect(seen.map(String)).toEqual([CLIENT]);
    });
  });

  it('s_client refuses our server when it trusts another authority', async () => {
    const directory = new OpensslDirectory(openssl);
    const port = await serve(testAuthority(), () => {});
    directory.write('other.pem', testAuthority().bundle.toPem());
    const client = start(openssl, directory, [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error'],
      ...['-CAfile', 'other.pem'],
    ]);
    const ended = once(client, 'exit');
    await printed(client, /verify error:num=/);
    expect((await ended)[0]).not.toBe(0);
  });
});
