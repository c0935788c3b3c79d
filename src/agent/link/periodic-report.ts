import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';

/** Where what is told comes from, and goes back to when it could not be told. */
export interface ReportSource<T> {
  take(most: number): readonly T[];
  putBack(items: readonly T[]): void;
}

export interface PeriodicReportOptions<T> {
  readonly source: ReportSource<T>;
  readonly mostAtOnce: number;
  /** Throws a ConnectError when the control plane did not take it. */
  readonly send: (
    transport: Transport,
    items: readonly T[],
    call: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<unknown>;
  readonly clock: Clock;
}

/** So long something may wait to be told. */
const EVERY_MS = 5_000;
const CALL_TIMEOUT_MS = 5_000;

/**
 * Tells the control plane what happened since it was told last, every five seconds, where anything did. Without a
 * control plane it waits, within the bounds of its source.
 */
export class PeriodicReport<T> {
  readonly #options: PeriodicReportOptions<T>;
  #transport: Transport | undefined;

  constructor(options: PeriodicReportOptions<T>) {
    this.#options = options;
  }

  /** A new link to the control plane. */
  use(transport: Transport): void {
    this.#transport = transport;
  }

  readonly run: Task = async (signal) => {
    while (!signal.aborted) {
      await this.#options.clock.sleep(EVERY_MS, signal);
      if (!signal.aborted) await this.#tell(signal);
    }
  };

  async #tell(signal: AbortSignal): Promise<void> {
    const { source, mostAtOnce, send } = this.#options;
    if (this.#transport === undefined) return;
    const told = source.take(mostAtOnce);
    if (told.length === 0) return;
    try {
      await send(this.#transport, told, { signal, timeoutMs: CALL_TIMEOUT_MS });
    } catch (error) {
      const { code } = ConnectError.from(error);
      // an older control plane keeps no record, and what it finds wrong will not be right next time
      if (code !== Code.Unimplemented && code !== Code.InvalidArgument) source.putBack(told);
    }
  }
}
