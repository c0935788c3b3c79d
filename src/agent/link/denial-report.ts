import { createClient } from '@connectrpc/connect';
import { CallRecordService } from '../../gen/hauberk/calls/v1/calls_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { RecordedDenial } from '../../policy/questions/recorded-denial.ts';
import { PeriodicReport, type ReportSource } from './periodic-report.ts';

export interface DenialReportOptions {
  readonly denials: ReportSource<RecordedDenial>;
  /** Name of the workload in its namespace. */
  readonly workload: () => string;
  readonly clock: Clock;
}

const MOST_AT_ONCE = 512;

/** Tells the control plane which requests to the workload were refused. */
export function denialReport(options: DenialReportOptions): PeriodicReport<RecordedDenial> {
  const { denials: source, workload, clock } = options;
  return new PeriodicReport({
    ...{ source, clock, mostAtOnce: MOST_AT_ONCE },
    send: (transport, told, call) => {
      const request = { workload: workload(), denials: told.map(wireDenial) };
      return createClient(CallRecordService, transport).report(request, call);
    },
  });
}

function wireDenial(denial: RecordedDenial) {
  return { ...denial, atMs: BigInt(Math.trunc(denial.atMs)) };
}
