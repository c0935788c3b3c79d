import type { ClockSkew } from '../../lib/clock-skew.ts';
import type { MeshErrorCode } from '../../lib/errors.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import type { Workload } from '../../policy/workload.ts';
import type { CaptureState } from '../capture/capture-listeners.ts';
import type { RunningProxy } from '../proxy.ts';
import type { ConnectionRecord, Direction, ProxyEvents } from '../proxy-events.ts';
import type { ProxyPlan } from '../proxy-options.ts';
import type { EventBatch } from './event-batches.ts';
import type { IdentityValues } from './identity-values.ts';

/** What changed of the things that a proxy follows: of facts and workload the fields that did. */
export interface SubjectChange {
  readonly workload?: Partial<Workload>;
  readonly identity?: IdentityValues;
  readonly facts?: Partial<MeshFacts>;
  readonly clockSkew?: ClockSkew | undefined;
  readonly credentials?: HeldCredentials;
  readonly ticketKeys?: Uint8Array;
  readonly issuers?: readonly Uint8Array[];
}

/** What a worker begins with. */
export interface WorkerStart {
  /** Of the program that starts it. */
  readonly version: string;
  readonly plan: ProxyPlan;
  readonly workload: Workload;
  readonly identity: IdentityValues;
  readonly facts: MeshFacts;
  readonly clockSkew: ClockSkew | undefined;
  readonly credentials: HeldCredentials;
  readonly ticketKeys: Uint8Array;
  readonly issuers: readonly Uint8Array[];
}

/** What a worker is told. */
export type ToWorker =
  | { readonly kind: 'change'; readonly change: SubjectChange }
  /** So many events have been dealt with. */
  | { readonly kind: 'heard'; readonly events: number }
  | { readonly kind: 'list'; readonly question: number }
  | { readonly kind: 'drain'; readonly deadlineMs: number };

/** One event with its record. */
export type WorkerEvent = {
  [Name in keyof ProxyEvents]: readonly [Name, Parameters<ProxyEvents[Name]>[0]];
}[keyof ProxyEvents];

/** How many connections are open in each direction. */
export type OpenCounts = Readonly<Record<Direction, number>>;

/** What a worker tells. */
export type FromWorker =
  | {
      readonly kind: 'bound';
      readonly bound: RunningProxy['bound'];
      /** As all threads of the process may use them while the worker lives. */
      readonly listening: RunningProxy['listening'];
    }
  | { readonly kind: 'failed'; readonly code: MeshErrorCode | undefined; readonly message: string }
  | { readonly kind: 'events'; readonly batch: EventBatch }
  /** DER of an authority by which a peer was proved. */
  | { readonly kind: 'issuer'; readonly der: Uint8Array }
  | {
      readonly kind: 'connections';
      readonly question: number;
      readonly records: readonly ConnectionRecord[];
      readonly capture: CaptureState;
    }
  | { readonly kind: 'drained' };
