import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import type { GrpcTransportOptions } from '@connectrpc/connect-node';
import { systemClock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { keepAlive } from '../../lib/http2-keepalive.ts';

type SessionManager = NonNullable<GrpcTransportOptions['sessionManager']>;

/** Long enough to wait in line when a whole fleet comes back at once. */
const CONNECT_TIMEOUT_MS = 30_000;
const PING_INTERVAL_MS = 10_000;
const PING_TIMEOUT_MS = 10_000;

/**
 * One HTTP/2 session under a gRPC transport: connected at the first call, never reconnected, kept
 * alive by PINGs. The library's own manager can throw outside of any call when a session dies at the
 * wrong moment (connect-es#1795); a sidecar must not end for that.
 */
export class LinkSession implements SessionManager {
  readonly authority: string;
  readonly #options: SecureClientSessionOptions;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(authority: string, options: SecureClientSessionOptions) {
    this.authority = authority;
    this.#options = options;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, 'signal'>,
  ): Promise<ClientHttp2Stream> {
    this.#session ??= this.#connect();
    const session = await this.#session;
    return session.request({ ...headers, ':method': method, ':path': path }, options);
  }

  notifyResponseByteRead(): void {
    // Every answer proves life; the PINGs ask anyway and cost nothing worth saving.
  }

  /** Ends the session and every call on it. */
  close(): void {
    this.#closed = true;
    this.#session?.then(
      (session) => session.destroy(),
      () => undefined,
    );
  }

  #connect(): Promise<ClientHttp2Session> {
    return new Promise((resolve, reject) => {
      const session = connect(this.authority, this.#options);
      const fail = (reason: string, cause?: unknown): void => {
        clearTimeout(late);
        session.destroy();
        const text = `cannot reach ${this.authority}: ${reason}`;
        reject(new MeshError('ERR_UNREACHABLE', text, { cause }));
      };
      const late = setTimeout(() => fail('no connection in time'), CONNECT_TIMEOUT_MS);
      // Stays for the life of the session: an error without a listener would end the process.
      session.on('error', (error) => fail(describe(error), error));
      session.once('close', () => fail('the connection was closed'));
      session.once('connect', () => {
        clearTimeout(late);
        if (this.#closed) return fail('it was given up');
        keepAlive(session, { intervalMs: PING_INTERVAL_MS, timeoutMs: PING_TIMEOUT_MS });
        resolve(session);
      });
    });
  }
}

const OUT_OF_TIME: readonly unknown[] = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

const OTHER_ROOT: readonly unknown[] = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** TLS judges validity by the machine's clock, so that is the one to name. */
function describe(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (OTHER_ROOT.includes(code))
    return `its certificate does not lead to a root that is trusted here (${messageOf(error)}); if the address is right, the root of the mesh was replaced while this workload was away: make a new token with \`hauberk token create\``;
  if (!OUT_OF_TIME.includes(code)) return messageOf(error);
  return `its ${messageOf(error)}, the clock here says ${new Date(systemClock.now()).toISOString()}`;
}
