import { createClient, type Transport } from '@connectrpc/connect';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import { nodeHeader, skewHeader } from '../../xds/heartbeat-headers.ts';
import { serverTimeIn } from '../../xds/time-header.ts';
import type { ClockComparison } from '../identity/clock-skew.ts';

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly comparison: ClockComparison;
  /** As the agent calls itself in discovery. */
  readonly node: () => string;
  /** Default 30 s. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 5_000;

/**
 * Compares clocks with the control plane regularly, over whatever connection there is, and tells it
 * the result.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #transport: Transport | undefined;
  #wake = new AbortController();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Goes over this connection from now on; the next comparison is at once. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.soon();
  }

  /** Compares at once instead of at the next interval. */
  soon(): void {
    this.#wake.abort();
  }

  readonly run: Task = async (signal) => {
    const { clock, intervalMs = INTERVAL_MS } = this.#options;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#beat(signal);
      await clock.sleep(intervalMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  };

  async #beat(signal: AbortSignal): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined) return;
    const { clock, comparison, node } = this.#options;
    const { skewMs } = comparison.skew.current ?? {};
    const headers = {
      [nodeHeader]: node(),
      ...(skewMs === undefined ? {} : { [skewHeader]: String(skewMs) }),
    };
    const sentAtMs = clock.now();
    try {
      await createClient(Health, transport).check(
        {},
        {
          ...{ signal, timeoutMs: TIMEOUT_MS, headers },
          onHeader: (header) => {
            const serverMs = serverTimeIn(header);
            if (serverMs === undefined) return;
            comparison.sample({ sentAtMs, receivedAtMs: clock.now(), serverMs });
          },
        },
      );
    } catch {
      // That the control plane is away is told by the discovery stream; the last measurement stays.
    }
  }
}
