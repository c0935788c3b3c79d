import { type ConnectionOptions, connect } from 'node:tls';
import { MeshError } from '../src/lib/errors.ts';
import type { RunningPair } from './pair-kind.ts';

const PATIENCE_MS = 5_000;

interface Attempt {
  /** Of the handshake, if the server took part in one to its end. */
  readonly protocol: string | undefined;
  /** Whether the application answered; a sidecar may say itself why it does not let it. */
  readonly answered: boolean;
  readonly error: string | undefined;
}

/**
 * Makes sure that all pairs do the same work: TLS 1.3 and nothing older, and no answer for whoever
 * has no certificate.
 *
 * @throws {MeshError} ERR_FORBIDDEN naming what the pair let through.
 */
export async function checkMutualTls({ name, tlsPort }: RunningPair): Promise<void> {
  if (tlsPort === undefined) return;
  const refuse = (what: string, { error }: Attempt): never => {
    throw new MeshError('ERR_FORBIDDEN', `${name} ${what}${error ? ` (${error})` : ''}`);
  };
  const old = await attempt(tlsPort, { maxVersion: 'TLSv1.2' });
  if (old.protocol !== undefined) refuse(`speaks ${old.protocol}`, old);
  const nobody = await attempt(tlsPort, {
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  if (nobody.protocol !== 'TLSv1.3') refuse('does not speak TLS 1.3', nobody);
  if (nobody.answered) refuse('answers a client that has no certificate', nobody);
}

/** Sends a request and waits until the other side has ended the connection. */
function attempt(port: number, options: ConnectionOptions): Promise<Attempt> {
  return new Promise((resolve) => {
    let protocol: string | undefined;
    let received = '';
    let error: string | undefined;
    // The server's certificate is the business of the caller's sidecar, not of this check.
    const all = { ...options, host: '127.0.0.1', port, rejectUnauthorized: false };
    const socket = connect(all, () => {
      protocol = socket.getProtocol() ?? undefined;
      socket.write('GET /small HTTP/1.1\r\nHost: callee\r\n\r\n');
    });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('it does not hang up')));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', ({ message }) => {
      error = message.trim();
    });
    socket.on('close', () =>
      resolve({ protocol, answered: received.includes('HTTP/1.1 200'), error }),
    );
  });
}
