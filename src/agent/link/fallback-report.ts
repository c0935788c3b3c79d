import { createClient } from '@connectrpc/connect';
import { FallbackReportService } from '../../gen/hauberk/fallbacks/v1/fallbacks_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { FallbackUse } from '../../policy/fallback-use.ts';
import { PeriodicReport, type ReportSource } from './periodic-report.ts';

export interface FallbackReportOptions {
  readonly uses: ReportSource<FallbackUse>;
  /** Name of the workload in its namespace. */
  readonly workload: () => string;
  readonly clock: Clock;
}

const MOST_AT_ONCE = 64;

/** Tells the control plane, once it is there, that FallbackPolicies were used. */
export function fallbackReport(options: FallbackReportOptions): PeriodicReport<FallbackUse> {
  const { uses: source, workload, clock } = options;
  return new PeriodicReport({
    ...{ source, clock, mostAtOnce: MOST_AT_ONCE },
    send: (transport, uses, call) => {
      const request = { workload: workload(), uses: uses.map(wireUse) };
      return createClient(FallbackReportService, transport).report(request, call);
    },
  });
}

function wireUse({ count, firstMs, lastMs, notAfterMs, ...use }: FallbackUse) {
  const whole = (value: number): bigint => BigInt(Math.trunc(value));
  const times = { firstMs: whole(firstMs), lastMs: whole(lastMs), notAfterMs: whole(notAfterMs) };
  return { ...use, ...times, count: BigInt(count) };
}
