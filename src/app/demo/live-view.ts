import { startConstantLoad } from './constant-load.ts';
import { serviceNames } from './shop.ts';
import type { Stage } from './stage.ts';

/** One line of the live table. */
export interface LiveRow {
  readonly workload: string;
  readonly connections: number;
  readonly opened: number;
  readonly denied: number;
  readonly certificateAgeMs: number;
  readonly expiresInMs: number;
  readonly controlPlane: string;
}

export interface LiveSample {
  readonly requestsPerSecond: number;
  readonly failures: number;
  readonly rows: readonly LiveRow[];
}

const SAMPLE_MS = 1_000;

/** Sends a little traffic through the shop and samples the sidecars once a second until aborted. */
export async function watchLive(
  stage: Stage,
  signal: AbortSignal,
  show: (sample: LiveSample) => void,
): Promise<void> {
  const load = startConstantLoad({ url: stage.frontPage, requestsPerSecond: 20 });
  let before = 0;
  let sinceMs = performance.now();
  while (!signal.aborted) {
    await pause(signal);
    if (signal.aborted) break;
    const rows = await Promise.all(serviceNames.map((name) => row(stage, name)));
    const nowMs = performance.now();
    const requestsPerSecond = ((load.requests - before) * 1_000) / (nowMs - sinceMs);
    before = load.requests;
    sinceMs = nowMs;
    show({ requestsPerSecond, failures: load.failures, rows });
  }
  await load.stop();
}

async function row(stage: Stage, name: (typeof serviceNames)[number]): Promise<LiveRow> {
  const { connections, totals, identity, controlPlane } = await stage.status(name);
  const nowMs = Date.now();
  return {
    workload: `shop/${name}`,
    connections: connections.length,
    opened: totals.connectionOpened,
    denied: totals.connectionDenied,
    certificateAgeMs: nowMs - identity.issuedAtMs,
    expiresInMs: identity.notAfterMs - nowMs,
    controlPlane: controlPlane.phase,
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, SAMPLE_MS);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
