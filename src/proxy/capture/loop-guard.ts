import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Address } from '../address.ts';
import type { Deadlines } from '../deadlines.ts';
import { connectTcp } from '../outbound/connect-tcp.ts';

/**
 * Where the proxy connects to find out what the kernel's rules do with its own connections; without
 * rules nobody listens there. Two places, because of several rules only the first redirects.
 */
export const PROBES: {
  /** Comes back to the outbound port of whoever captures the proxy. */
  readonly captured: Address;
  /** Goes to the inbound port when rules know the proxy, to leave it alone. */
  readonly exempt: Address;
} = {
  captured: { host: '127.0.0.1', port: 15_002 },
  exempt: { host: '127.0.0.1', port: 15_003 },
};

/** What the rules do with the proxy's own connections. */
export type OwnTraffic =
  /** Rules are there and leave it alone. */
  | 'exempt'
  /** No rule speaks of it: there are none, or they capture others only. */
  | 'not-captured'
  /** Rules bring it back to the proxy. */
  | 'captured';

/** The ports for captured connections, and the words by which they answer a probe. */
export type CapturePort = 'outbound' | 'inbound';

export interface LoopGuardOptions {
  readonly deadlines: Deadlines;
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** Where to connect. Default `PROBES`. */
  readonly probes?: typeof PROBES;
}

/** What was found is believed for this long, so that a busy port costs no probe per connection. */
const BELIEVED_MS = 1_000;
const LONGEST_ANSWER = 16;

/**
 * Sees to it that the proxy does not capture itself: what it sends would come back, be sent again,
 * and so on for ever. It asks the kernel by connections to `PROBES`, and again from time to time,
 * because rules come and go.
 */
export class LoopGuard {
  readonly #options: LoopGuardOptions;
  readonly #probes: typeof PROBES;
  #asking: Promise<OwnTraffic> | undefined;
  #answer: { readonly state: OwnTraffic; readonly atMs: number } | undefined;

  constructor(options: LoopGuardOptions) {
    this.#options = options;
    this.#probes = options.probes ?? PROBES;
  }

  /** Answers a captured connection that is a probe, of whichever proxy; false when it is none. */
  answers(socket: Socket, target: Address, at: CapturePort): boolean {
    const isProbe = Object.values(this.#probes).some(
      ({ host, port }) => target.host === host && target.port === port,
    );
    if (isProbe) socket.end(at);
    return isProbe;
  }

  /** Why nothing may be sent now, for it would come back; undefined when all is well. */
  async safe(): Promise<string | undefined> {
    return (await this.ask()) === 'captured'
      ? "the rules capture the proxy's own connections: name its user or group with `hauberk capture up --proxy-uid` or `--proxy-gid`"
      : undefined;
  }

  /** Finds out, unless that was done a moment ago. */
  async ask(): Promise<OwnTraffic> {
    const nowMs = this.#options.clock.elapsedMs();
    if (this.#answer !== undefined && nowMs - this.#answer.atMs < BELIEVED_MS) {
      return this.#answer.state;
    }
    this.#asking ??= this.#find().finally(() => {
      this.#asking = undefined;
    });
    return await this.#asking;
  }

  async #find(): Promise<OwnTraffic> {
    const { captured, exempt } = this.#probes;
    const [loop, known] = await Promise.all([this.#knock(captured), this.#knock(exempt)]);
    const state = stateOf(loop, known);
    this.#answer = { state, atMs: this.#options.clock.elapsedMs() };
    return state;
  }

  /** What the port says at which a connection to a probe's address arrives; '' when at none. */
  async #knock(probe: Address): Promise<string> {
    const { deadlines } = this.#options;
    const socket = await connectTcp(probe, { deadlines, allowHalfOpen: false }).catch(unreached);
    if (socket === undefined) return '';
    const deadline = deadlines.set(() => socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.length > LONGEST_ANSWER) socket.destroy();
    });
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    deadline.cancel();
    return heard;
  }
}

function stateOf(loop: string, known: string): OwnTraffic {
  if (loop === 'outbound') return 'captured';
  return known === 'inbound' ? 'exempt' : 'not-captured';
}

function unreached(error: unknown): undefined {
  if (!MeshError.is(error)) throw error;
  return undefined;
}
