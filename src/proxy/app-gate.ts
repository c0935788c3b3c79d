import { MeshError } from '../lib/errors.ts';
import type { Address } from './address.ts';
import type { Channel } from './channel.ts';
import { connectTcp } from './connect-tcp.ts';
import type { Deadlines } from './deadlines.ts';
import type { Admission, Enforcement, Verdict } from './enforcement.ts';
import { socketChannel } from './socket-channel.ts';

/** What became of an inbound connection on its way to the application. */
export type Entry =
  | { readonly app: Channel; readonly decision: string }
  | { readonly denied: Extract<Verdict, { allowed: false }> }
  | { readonly unreachable: string };

export interface AppGateOptions {
  readonly enforcement: Enforcement;
  readonly connectDeadlines: Deadlines;
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

  async enter(admission: Admission, app: Address): Promise<Entry> {
    const { enforcement, connectDeadlines } = this.#options;
    const before = enforcement.judge(admission);
    if (!before.allowed) return { denied: before };
    const { generation } = enforcement;
    try {
      const socket = await connectTcp(app, { deadlines: connectDeadlines });
      const verdict = enforcement.generation === generation ? before : enforcement.judge(admission);
      if (verdict.allowed) return { app: socketChannel(socket), decision: verdict.decision };
      socket.destroy();
      return { denied: verdict };
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      return {
        unreachable: `the application ${error.message.replace(/^cannot connect/, 'cannot be connected')}`,
      };
    }
  }
}
