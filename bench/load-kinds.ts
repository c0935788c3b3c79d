import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationPath } from './application.ts';
import { runOpenLoop } from './open-loop.ts';
import { runWrk, type WrkResult } from './wrk.ts';

/** What is done to a pair. */
export type LoadKind =
  /** As many questions as there are answers, on so many connections. */
  | {
      readonly kind: 'closed';
      readonly path: ApplicationPath;
      readonly connections: number;
      readonly close: boolean;
    }
  /** Questions at fixed times. */
  | { readonly kind: 'open'; readonly path: ApplicationPath; readonly perSecond: number }
  /** Small questions on some connections while others carry big bodies. */
  | { readonly kind: 'mixed'; readonly connections: number; readonly bulkConnections: number }
  /** Connections on which one question was asked and nothing more happens. */
  | { readonly kind: 'idle'; readonly connections: number };

export interface LoadRun {
  readonly wrk: string;
  readonly port: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly header?: string | undefined;
  /** Called while the load is there, where it leaves nothing behind. */
  readonly during: () => void;
}

const NOTHING: WrkResult = {
  requests: 0,
  seconds: 1,
  bytes: 0,
  p50Ms: 0,
  p99Ms: 0,
  problem: undefined,
};
const SETTLE_MS = 1_000;

/** Runs it for so many seconds. */
export async function runLoad(
  load: LoadKind,
  run: LoadRun,
): Promise<{ readonly wrk: WrkResult; readonly beside?: WrkResult }> {
  const { port, seconds, signal } = run;
  switch (load.kind) {
    case 'closed':
      return { wrk: await runWrk({ ...run, load }) };
    case 'open':
      return { wrk: await runOpenLoop({ ...load, port, seconds, signal }) };
    case 'mixed': {
      const [wrk, beside] = await Promise.all([
        runWrk({ ...run, load: { ...load, path: '/small', close: false } }),
        runWrk({
          ...run,
          load: { path: '/bulk', connections: load.bulkConnections, close: false },
        }),
      ]);
      return { wrk, beside };
    }
    case 'idle':
      return { wrk: await holdOpen(load.connections, run) };
  }
}

async function holdOpen(connections: number, { port, during }: LoadRun): Promise<WrkResult> {
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < connections; i++) sockets.push(await askedOnce(port));
    await delay(SETTLE_MS);
    during();
    return NOTHING;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A connection that has had its answer, so is known to lead to the application. */
function askedOnce(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('data', () => resolve(socket));
    socket.write('GET /small HTTP/1.1\r\nHost: callee\r\n\r\n');
  });
}
