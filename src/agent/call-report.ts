import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { CallRecordService } from '../gen/hauberk/calls/v1/calls_pb.js';
import type { Clock } from '../lib/clock.ts';
import type { Task } from '../lib/tasks.ts';
import type { RecordedCall } from '../policy/recorded-call.ts';
import type { RecordedDenial } from '../policy/recorded-denial.ts';

/** Where recorded calls come from, and go back to when they could not be told. */
export interface CallSource {
  take(most: number): readonly RecordedCall[];
  putBack(calls: readonly RecordedCall[]): void;
  takeDenials(most: number): readonly RecordedDenial[];
  putBackDenials(denials: readonly RecordedDenial[]): void;
}

export interface CallReportOptions {
  readonly calls: CallSource;
  /** Name of the workload in its namespace. */
  readonly workload: () => string;
  readonly clock: Clock;
}

/** So long a call may wait to be told. */
const EVERY_MS = 5_000;
const MOST_AT_ONCE = 512;
const CALL_TIMEOUT_MS = 5_000;

/**
 * Tells the control plane which calls came to the workload. Without a control plane the record waits,
 * within its bounds.
 */
export class CallReport {
  readonly #options: CallReportOptions;
  #transport: Transport | undefined;

  constructor(options: CallReportOptions) {
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
    const { calls, workload } = this.#options;
    if (this.#transport === undefined) return;
    const told = calls.take(MOST_AT_ONCE);
    const denials = calls.takeDenials(MOST_AT_ONCE);
    if (told.length === 0 && denials.length === 0) return;
    try {
      await createClient(CallRecordService, this.#transport).report(
        { workload: workload(), calls: told.map(callOf), denials: denials.map(denialOf) },
        { signal, timeoutMs: CALL_TIMEOUT_MS },
      );
    } catch (error) {
      const { code } = ConnectError.from(error);
      // an older control plane keeps no record, and what it finds wrong will not be right next time
      if (code === Code.Unimplemented || code === Code.InvalidArgument) return;
      calls.putBack(told);
      calls.putBackDenials(denials);
    }
  }
}

function denialOf(denial: RecordedDenial) {
  return { ...denial, atMs: BigInt(Math.trunc(denial.atMs)) };
}

function callOf(call: RecordedCall) {
  const { http = { method: '', path: '', host: '' }, count, lastSeenMs, ...rest } = call;
  return { ...rest, ...http, count: BigInt(count), lastSeenMs: BigInt(Math.trunc(lastSeenMs)) };
}
