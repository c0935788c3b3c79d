import type { Socket } from 'node:net';
import { MeshError } from '../../lib/errors.ts';
import type { Address } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import { LentReads } from '../bytes/lent-reads.ts';
import { lendingChannel } from '../bytes/socket-channel.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Admission, Enforcement, Verdict } from '../enforcement.ts';
import type { AppPool } from '../http/app-pool.ts';
import { DialedChannel } from '../http/dialed-channel.ts';
import type { HttpEnforcement } from '../http/http-enforcement.ts';
import type { HttpJoin } from '../http/http-join.ts';
import { connectTcp } from '../outbound/connect-tcp.ts';
import type { Ends } from '../proxy-events.ts';

/** What became of an inbound connection on its way to the application. */
export type Entry =
  | { readonly entered: true }
  | { readonly denied: Extract<Verdict, { allowed: false }> }
  | { readonly unreachable: string };

/** An inbound connection that wants to be let in. */
export interface Entrant {
  readonly about: Ends;
  readonly admission: Admission;
  /** Where the application listens. */
  readonly app: Address;
  /**
   * Called when it is in. What it opens must be where changes of policy are looked for before it
   * returns: the policies were asked in the same turn.
   */
  readonly flow: (app: Channel, decision: string, http: HttpJoin | undefined) => void;
}

export interface AppGateOptions {
  readonly enforcement: Enforcement;
  readonly http: Pick<HttpEnforcement, 'joinFor'>;
  readonly connectDeadlines: Deadlines;
  /** Of connections on which requests are judged. */
  readonly pool: AppPool;
}

/**
 * The one way to the application, for all transports: the policies are asked first, and again when
 * the application has answered, because they may have changed meanwhile.
 */
export class AppGate {
  readonly #options: AppGateOptions;

  constructor(options: AppGateOptions) {
    this.#options = options;
  }

  async enter({ about, admission, app, flow }: Entrant): Promise<Entry> {
    const { enforcement, http } = this.#options;
    const join = http.joinFor(admission, about);
    if (join !== undefined) {
      const verdict = enforcement.judgeTransport(admission);
      if (!verdict.allowed) return { denied: verdict };
      const dial = () => this.#dial(app);
      // bytes that are no requests leave something of their client on a connection
      const channel =
        join.decision === undefined
          ? this.#options.pool.channel(app, dial)
          : new DialedChannel(dial);
      flow(channel, join.decision ?? verdict.decision, join);
      return { entered: true };
    }
    const before = enforcement.judge(admission);
    if (!before.allowed) return { denied: before };
    const { generation } = enforcement;
    const reads = new LentReads();
    const socket = await this.#connect(app, reads);
    if (typeof socket === 'string') return { unreachable: socket };
    const verdict = enforcement.generation === generation ? before : enforcement.judge(admission);
    if (!verdict.allowed) {
      socket.destroy();
      return { denied: verdict };
    }
    flow(lendingChannel(socket, reads), verdict.decision, undefined);
    return { entered: true };
  }

  async #dial(app: Address): Promise<Channel> {
    const reads = new LentReads();
    const socket = await connectTcp(app, { deadlines: this.#options.connectDeadlines, reads });
    return lendingChannel(socket, reads);
  }

  /** The connection to the application, or why there is none. */
  async #connect(app: Address, reads: LentReads): Promise<Socket | string> {
    try {
      return await connectTcp(app, { deadlines: this.#options.connectDeadlines, reads });
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      return `the application does not answer: ${error.message}`;
    }
  }
}
