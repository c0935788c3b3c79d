import { availableParallelism } from 'node:os';
import { systemClock } from '../../lib/clock.ts';
import type { ProxyEvents } from '../../proxy/proxy-events.ts';
import type { ProxyPlan, ProxySubjects } from '../../proxy/proxy-options.ts';
import { startProxyWorkers } from '../../proxy/workers/proxy-workers.ts';
import { serveHere } from '../../proxy/workers/serve-here.ts';
import type { ServingProxy, WorkerEvents } from '../../proxy/workers/serving-proxy.ts';
import type { Logger } from '../../telemetry/process-log.ts';
import { releaseStartMemory } from '../memory/release-start-memory.ts';

export interface SidecarProxyOptions {
  /** How many workers; 0 for one per core. */
  readonly concurrency: number;
  readonly plan: ProxyPlan;
  readonly subjects: ProxySubjects;
  readonly events: ProxyEvents;
  readonly log: Logger;
}

/**
 * The sidecar's data plane. A single worker lives in the agent's thread: that is as fast as one of its
 * own and spares a heap; several live in threads beside it.
 *
 * @throws {MeshError} ERR_LISTEN and others as `startProxy`.
 */
export function sidecarProxy(options: SidecarProxyOptions): Promise<ServingProxy> {
  const { concurrency, plan, subjects, events, log } = options;
  const count = concurrency === 0 ? availableParallelism() : concurrency;
  const clock = systemClock;
  return count === 1
    ? serveHere({ ...plan, ...subjects, events, clock })
    : startProxyWorkers({ count, plan, subjects, events, clock, workerEvents: workerLog(log) });
}

function workerLog(log: Logger): WorkerEvents {
  return {
    workerEnded: (ended) => log.error(ended, 'a proxy worker ended, another takes its place'),
    workerRestarted: (restarted) => {
      log.info(restarted, 'a proxy worker serves again');
      // The C library keeps what the one before it left, and would for as long as the process lives.
      releaseStartMemory();
    },
  };
}
