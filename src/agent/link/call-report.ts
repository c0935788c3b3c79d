import { createClient } from '@connectrpc/connect';
import { CallRecordService } from '../../gen/hauberk/calls/v1/calls_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { RecordedCall } from '../../policy/questions/recorded-call.ts';
import { PeriodicReport, type ReportSource } from './periodic-report.ts';

export interface CallReportOptions {
  readonly calls: ReportSource<RecordedCall>;
  /** Name of the workload in its namespace. */
  readonly workload: () => string;
  readonly clock: Clock;
}

const MOST_AT_ONCE = 512;

/** Tells the control plane which calls came to the workload. */
export function callReport(options: CallReportOptions): PeriodicReport<RecordedCall> {
  const { calls: source, workload, clock } = options;
  return new PeriodicReport({
    ...{ source, clock, mostAtOnce: MOST_AT_ONCE },
    send: (transport, told, call) => {
      const request = { workload: workload(), calls: told.map(wireCall) };
      return createClient(CallRecordService, transport).report(request, call);
    },
  });
}

function wireCall(call: RecordedCall) {
  const { http = { method: '', path: '', host: '' }, count, lastSeenMs, ...rest } = call;
  return { ...rest, ...http, count: BigInt(count), lastSeenMs: BigInt(Math.trunc(lastSeenMs)) };
}
