import type { CaptureState } from '../capture/capture-listeners.ts';
import type { RunningProxy } from '../proxy.ts';
import type { ConnectionRecord } from '../proxy-events.ts';
import type { OpenCounts } from './worker-protocol.ts';

/** What happens to workers, told as it happens. */
export interface WorkerEvents {
  /** A worker ended that should not have, and its connections with it; another one will take its place. */
  workerEnded(ended: {
    readonly worker: number;
    readonly reason: string;
    readonly connectionsLost: number;
    readonly restartInMs: number;
  }): void;
  /** Another one has taken its place. */
  workerRestarted(restarted: { readonly worker: number }): void;
}

/** How one worker is. */
export interface WorkerStatus {
  /** Counts from 0. */
  readonly worker: number;
  readonly serving: boolean;
  /** How often it was started again. */
  readonly restarts: number;
  readonly open: OpenCounts;
  /** Events that were not reported because the agent's thread did not keep up. */
  readonly eventsDropped: number;
}

/** A proxy that serves, in the thread of its owner or in threads of its own. */
export interface ServingProxy {
  readonly bound: RunningProxy['bound'];
  /** What it listens on, of all workers, for a successor. */
  readonly listening: RunningProxy['listening'];
  /** Empty when it is in its owner's thread. */
  readonly workers: readonly WorkerStatus[];
  /** How many connections are open now, of all workers. */
  readonly open: OpenCounts;
  /** What is open now, of all workers. */
  connections(): Promise<readonly ConnectionRecord[]>;
  /** What is captured, of all workers. */
  capture(): Promise<CaptureState>;
  /** As `RunningProxy.drain`. */
  drain(deadlineMs: number): Promise<void>;
}
