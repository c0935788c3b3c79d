import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import type { TlsClient } from './pair-kind.ts';
import type { WrkResult } from './wrk.ts';

export interface HandshakeRun {
  readonly port: number;
  readonly client: TlsClient;
  /** Whether each handshake resumes the session of one before. */
  readonly resumed: boolean;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const PATIENCE_MS = 5_000;

/**
 * Handshakes with the callee's sidecar, one after the other: the time of each counts from the first
 * byte until the client has what it needs. What the server does afterwards, to check the client's
 * certificate and to answer a first request (HBONE: to begin a session), is in its CPU time.
 */
export async function runHandshakes(run: HandshakeRun): Promise<WrkResult> {
  const { client, resumed, seconds, signal } = run;
  const pems = { cert: readFileSync(client.chain), key: readFileSync(client.key) };
  const session = resumed ? await ticketOf(run, pems) : undefined;
  const tookMs: number[] = [];
  let strange = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1_000) {
    signal.throwIfAborted();
    const socket = open(run, pems, session);
    tookMs.push(await handshake(socket));
    if (socket.isSessionReused() !== resumed) strange += 1;
    await spokenTo(socket, client);
    await ended(socket);
  }
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return {
    ...{ requests: tookMs.length, seconds, bytes: 0, p50Ms: at(0.5), p99Ms: at(0.99) },
    problem: strange === 0 ? undefined : `${strange} handshakes were not ${word(resumed)}`,
  };
}

function word(resumed: boolean): string {
  return resumed ? 'resumed' : 'full ones';
}

type Pems = { readonly cert: Buffer; readonly key: Buffer };

function open({ port, client }: HandshakeRun, pems: Pems, session?: Buffer): TLSSocket {
  const socket = connect({
    ...{ ...pems, host: '127.0.0.1', port, ALPNProtocols: [...client.alpn] },
    ...{ minVersion: 'TLSv1.3', rejectUnauthorized: false },
    ...(session === undefined ? {} : { session }),
  });
  socket.setNoDelay(true);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('the server does not answer')));
  return socket;
}

/** From the TCP connection on. */
function handshake(socket: TLSSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    let startMs = 0;
    socket.once('connect', () => {
      startMs = performance.now();
    });
    socket.once('secureConnect', () => resolve(performance.now() - startMs));
    socket.once('error', reject);
  });
}

/** By then the server has finished its part. HBONE speaks first; others are asked. */
function spokenTo(socket: TLSSocket, { alpn }: TlsClient): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server ended the connection')));
    if (alpn.length === 0) socket.write('GET /small HTTP/1.1\r\nHost: callee\r\n\r\n');
  });
}

function ended(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.removeAllListeners('error');
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

/** Some servers send it with their first answer only. */
async function ticketOf(run: HandshakeRun, pems: Pems): Promise<Buffer> {
  const socket = open(run, pems);
  let ticket: Buffer | undefined;
  socket.once('session', (given: Buffer) => {
    ticket = given;
  });
  await handshake(socket);
  await spokenTo(socket, run.client);
  await ended(socket);
  if (ticket === undefined) throw new Error('the server gave no ticket');
  return ticket;
}
