import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { jwtSvids } from '../../src/agent/identity/jwt-svids.ts';
import type { RegisteredIdentity } from '../../src/agent/identity/registered-identities.ts';
import { openSpiffeSocket, type SpiffeSocket } from '../../src/agent/socket/spiffe-socket.ts';
import type { PeerCredentials } from '../../src/attestation/peer-credentials.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type Watchable, WatchableValue } from '../../src/lib/watchable.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { type JwtSvid, signJwtSvid } from '../../src/spiffe/jwt-svid.ts';
import type { Crl } from '../../src/x509/crl.ts';
import { type TestAuthority, testAuthority } from './test-authority.ts';

export const FRONTEND = 'spiffe://cluster.local/ns/shop/sa/frontend';

export interface SpiffeSocketRigOptions {
  readonly authority?: TestAuthority;
  /** Default the frontend's. */
  readonly id?: string;
  readonly clock?: Clock;
  /** Default: who runs the test. */
  readonly allowedUids?: readonly number[];
  /** Identities of registered workloads, which a test swaps. Default: the socket serves none. */
  readonly registered?: Watchable<readonly RegisteredIdentity[]>;
  /** Revocation lists, which a test swaps. Default: none. */
  readonly crls?: Watchable<readonly Crl[]>;
}

/** The agent's socket, with an identity that a test swaps. */
export class SpiffeSocketRig implements AsyncDisposable {
  readonly authority: TestAuthority;
  readonly identity: WatchableValue<Identity>;
  readonly path: string;
  readonly rejections: string[] = [];
  /** Set, it is what the control plane answers to requests for tokens. */
  mintFailure: Error | undefined;
  readonly refused: { readonly caller: PeerCredentials; readonly method: string }[] = [];
  readonly #options: SpiffeSocketRigOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'hauberk-spiffe-'));
  readonly #managers: Http2SessionManager[] = [];
  #running: { readonly socket: SpiffeSocket; stop(): Promise<void> } | undefined;

  private constructor(options: SpiffeSocketRigOptions) {
    this.#options = options;
    this.authority = options.authority ?? testAuthority();
    this.identity = new WatchableValue(this.authority.identity(options.id ?? FRONTEND));
    this.path = join(this.#directory, 'spiffe.sock');
  }

  static async start(options: SpiffeSocketRigOptions = {}): Promise<SpiffeSocketRig> {
    const rig = new SpiffeSocketRig(options);
    await rig.start();
    return rig;
  }

  get socket(): SpiffeSocket {
    if (this.#running === undefined) throw new Error('the socket is stopped');
    return this.#running.socket;
  }

  /** Also while one is open, as a successor would. */
  async start(): Promise<void> {
    const uid = process.getuid?.() ?? 0;
    const socket = await openSpiffeSocket({
      socketPath: this.path,
      identity: this.identity,
      tokens: jwtSvids({
        mint: (...question) => this.#mint(...question),
        clock: this.#clock,
      }),
      clock: this.#clock,
      allowedUids: this.#options.allowedUids ?? [uid],
      ownUid: uid,
      registered: this.#options.registered,
      ...(this.#options.crls === undefined ? {} : { crls: this.#options.crls }),
      events: {
        secretRejected: ({ detail }) => this.rejections.push(detail),
        callerRefused: (event) => this.refused.push(event),
      },
    });
    const aborting = new AbortController();
    const running = socket.run(aborting.signal);
    this.#running = {
      socket,
      stop: () => {
        aborting.abort();
        return running;
      },
    };
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  async #mint({ svid: { id } }: Identity, audience: readonly string[]): Promise<JwtSvid> {
    if (this.mintFailure !== undefined) throw this.mintFailure;
    return signJwtSvid({
      ...{ id, audience, nowMs: this.#clock.now(), lifetimeMs: 300_000 },
      ...{ tokenId: randomUUID(), signer: this.authority.jwtSigner },
    });
  }

  /** The way to end the socket that is open now. */
  get stop(): () => Promise<void> {
    return this.#running?.stop ?? (() => Promise.resolve());
  }

  /** A new certificate for the same workload; gives its serial. */
  rotate(): string {
    const next = this.authority.identity(this.identity.current.svid.id.toString());
    this.identity.set(next);
    return next.svid.chain[0]?.serial ?? '';
  }

  /** A gRPC connection of its own. */
  transport(): Transport {
    const manager = new Http2SessionManager('http://localhost', undefined, {
      createConnection: () => connect(this.path),
    });
    this.#managers.push(manager);
    return createGrpcTransport({ baseUrl: 'http://localhost', sessionManager: manager });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const manager of this.#managers) manager.abort();
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
