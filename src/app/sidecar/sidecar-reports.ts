import type { Transport } from '@connectrpc/connect';
import { callReport } from '../../agent/link/call-report.ts';
import { denialReport } from '../../agent/link/denial-report.ts';
import { fallbackReport } from '../../agent/link/fallback-report.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import type { ProxyEvents } from '../../proxy/proxy-events.ts';
import { CallRecorder } from '../../telemetry/call-recorder.ts';
import { FallbackRecorder } from '../../telemetry/fallback-recorder.ts';

/** Something that goes over each new connection to the control plane. */
export interface SidecarReport {
  use(transport: Transport): void;
  readonly run: Task;
}

/** What a sidecar tells the control plane of its traffic, and what listens to its proxy for that. */
export function sidecarReports(
  workload: () => string,
  clock: Clock,
): {
  readonly reports: readonly SidecarReport[];
  readonly listeners: readonly Partial<ProxyEvents>[];
} {
  const calls = new CallRecorder();
  const uses = new FallbackRecorder();
  return {
    reports: [
      callReport({ calls, workload, clock }),
      denialReport({ denials: calls.denials, workload, clock }),
      fallbackReport({ uses, workload, clock }),
    ],
    listeners: [calls, uses],
  };
}
