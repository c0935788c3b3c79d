import type { LoadKind } from './load-kinds.ts';
import type { WrkResult } from './wrk.ts';

/** One row of the table. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** After the decimal point. */
  readonly digits: number;
  readonly better: 'more' | 'less';
  /** What the design aims at. */
  readonly aim?: Aim;
}

/** A ratio of Hauberk to the best of some others: at least, or for what should be less, at most. */
export interface Aim {
  readonly ratio: number;
  readonly of: readonly string[];
}

/** What one run of a load gave, and what it cost. */
export interface LoadOutcome {
  readonly wrk: WrkResult;
  /** Of the other load that ran beside it. */
  readonly beside?: WrkResult | undefined;
  /** CPU seconds of all processes of both sidecars. */
  readonly cpuSeconds: number;
}

export interface LoadMetric extends Metric {
  of(outcome: LoadOutcome): number;
}

export interface Load {
  readonly kind: LoadKind;
  /** After which the memory of the sidecars is noted, under this name. */
  readonly memory?: string;
  readonly metrics: readonly LoadMetric[];
}

const MB = 1e6;
const GB = 1e9;
const PER = 100_000;
const TCP_PEERS = ['nginx', 'haproxy', 'envoy'];

/** What is measured, in this order, in every round. */
export const loads: readonly Load[] = [
  requests(1, undefined),
  { ...requests(32, { ratio: 1.3, of: TCP_PEERS }), memory: 'after the requests' },
  requests(256, { ratio: 1.6, of: TCP_PEERS }),
  {
    kind: { kind: 'closed', path: '/small', connections: 32, close: true },
    metrics: [
      {
        ...row('new connections, 32 at a time', '/s', 0, 'more'),
        ...{ aim: { ratio: 4, of: ['nginx', 'envoy'] }, of: perSecond },
      },
      { ...row('p50 on a new connection', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p50Ms },
      { ...row('p99 on a new connection', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p99Ms },
      { ...row('CPU for 100,000 connections', 's', 1, 'less'), of: cpuPerRequests },
    ],
  },
  {
    kind: { kind: 'closed', path: '/small', connections: 1, close: true },
    metrics: [
      {
        ...row('new connection with its first answer, p50', 'ms', 2, 'less'),
        of: ({ wrk }) => wrk.p50Ms,
      },
    ],
  },
  {
    kind: { kind: 'open', path: '/small', perSecond: 1_000 },
    metrics: [
      {
        ...row('p50 at 1,000 requests a second', 'ms', 2, 'less'),
        of: ({ wrk }) => wrk.p50Ms,
      },
      {
        ...row('p99 at 1,000 requests a second', 'ms', 2, 'less'),
        ...{ aim: { ratio: 1, of: ['envoy'] }, of: ({ wrk }) => wrk.p99Ms },
      },
    ],
  },
  handshakes('full', false),
  handshakes('resumed', true),
  { kind: { kind: 'idle', connections: 1_000 }, memory: 'with 1,000 connections', metrics: [] },
  {
    kind: { kind: 'closed', path: '/bulk', connections: 1, close: false },
    metrics: [
      {
        ...row('16 MiB bodies, 1 connection', 'MB/s', 0, 'more'),
        ...{ aim: { ratio: 1, of: TCP_PEERS }, of: megabytes },
      },
    ],
  },
  {
    kind: { kind: 'closed', path: '/bulk', connections: 4, close: false },
    memory: 'after the bulk',
    metrics: [
      {
        ...row('16 MiB bodies, 4 connections', 'MB/s', 0, 'more'),
        ...{ aim: { ratio: 1, of: TCP_PEERS }, of: megabytes },
      },
      {
        ...row('CPU for 1 GB', 's', 2, 'less'),
        of: ({ cpuSeconds, wrk }) => cpuSeconds / (wrk.bytes / GB),
      },
    ],
  },
  {
    kind: { kind: 'mixed', connections: 8, bulkConnections: 4 },
    metrics: [
      {
        ...row('p50 of 8 small ones beside 4 in bulk', 'ms', 2, 'less'),
        ...{ aim: { ratio: 0.33, of: ['nginx'] }, of: ({ wrk }) => wrk.p50Ms },
      },
      {
        ...row('p99 of 8 small ones beside 4 in bulk', 'ms', 2, 'less'),
        of: ({ wrk }) => wrk.p99Ms,
      },
      {
        ...row('4 in bulk beside 8 small ones', 'MB/s', 0, 'more'),
        of: ({ beside }) => (beside === undefined ? 0 : beside.bytes / beside.seconds / MB),
      },
    ],
  },
];

function requests(connections: number, aim: Aim | undefined): Load {
  const at = `${connections} connection${connections === 1 ? '' : 's'}`;
  return {
    kind: { kind: 'closed', path: '/small', connections, close: false },
    metrics: [
      {
        ...row(`requests, ${at}`, '/s', 0, 'more'),
        ...{ ...(aim === undefined ? {} : { aim }), of: perSecond },
      },
      { ...row(`p50 of a request, ${at}`, 'ms', 2, 'less'), of: ({ wrk }) => wrk.p50Ms },
      { ...row(`p99 of a request, ${at}`, 'ms', 2, 'less'), of: ({ wrk }) => wrk.p99Ms },
      { ...row(`CPU for 100,000 requests, ${at}`, 's', 2, 'less'), of: cpuPerRequests },
    ],
  };
}

function handshakes(word: string, resumed: boolean): Load {
  return {
    kind: { kind: 'handshakes', resumed },
    metrics: [
      { ...row(`TLS handshake, ${word}, p50`, 'ms', 2, 'less'), of: ({ wrk }) => wrk.p50Ms },
      { ...row(`CPU for 100,000 handshakes, ${word}`, 's', 0, 'less'), of: cpuPerRequests },
    ],
  };
}

/** The loads of which a metric has one of these words in its name. */
export function loadsOf(words: readonly string[]): readonly Load[] {
  return loads.filter(({ metrics }) =>
    metrics.some(({ name }) => words.some((wanted) => name.includes(wanted))),
  );
}

/** Memory of one side's processes at a moment. */
export function memoryMetric(side: 'caller' | 'callee', moment: string): Metric {
  return row(`memory of the ${side}'s side, ${moment}`, 'MB', 0, 'less');
}

/** The moments at which memory is noted, in order. */
export const IDLE = 'idle';
export const memoryMoments: readonly string[] = [
  IDLE,
  ...loads.flatMap(({ memory }) => memory ?? []),
];

/** All rows of the table, in order. */
export const allMetrics: readonly Metric[] = [
  ...loads.flatMap(({ metrics }) => metrics),
  ...memoryMoments.flatMap((moment) => [
    memoryMetric('caller', moment),
    memoryMetric('callee', moment),
  ]),
];

function row(name: string, unit: string, digits: number, better: Metric['better']): Metric {
  return { name, unit, digits, better };
}

function perSecond({ wrk }: LoadOutcome): number {
  return wrk.requests / wrk.seconds;
}

function megabytes({ wrk }: LoadOutcome): number {
  return wrk.bytes / wrk.seconds / MB;
}

function cpuPerRequests({ wrk, cpuSeconds }: LoadOutcome): number {
  return cpuSeconds / (wrk.requests / PER);
}
