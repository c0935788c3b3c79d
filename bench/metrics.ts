import type { WrkLoad, WrkResult } from './wrk.ts';

/** One row of the table. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** After the decimal point. */
  readonly digits: number;
  readonly better: 'more' | 'less';
  /** At least this many times that of nginx is what the design aims at. */
  readonly aim?: number;
}

/** What one run of wrk gave, and what it cost. */
export interface LoadOutcome {
  readonly wrk: WrkResult;
  /** CPU seconds of all processes of both sidecars. */
  readonly cpuSeconds: number;
}

export interface LoadMetric extends Metric {
  of(outcome: LoadOutcome): number;
}

export interface Load extends WrkLoad {
  /** After which the memory of the sidecars is noted, under this name. */
  readonly memory?: string;
  readonly metrics: readonly LoadMetric[];
}

const MB = 1e6;
const GB = 1e9;
const PER = 100_000;

/** What is measured, in this order, in every round. */
export const loads: readonly Load[] = [
  {
    ...{ path: '/small', connections: 32, close: false, memory: 'after the requests' },
    metrics: [
      { ...row('requests, 32 connections', '/s', 0, 'more'), aim: 0.9, of: perSecond },
      { ...row('p50 of a request', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p50Ms },
      { ...row('p99 of a request', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p99Ms },
      { ...row('CPU for 100,000 requests', 's', 2, 'less'), of: cpuPerRequests },
    ],
  },
  {
    ...{ path: '/small', connections: 32, close: true },
    metrics: [
      { ...row('new connections, 32 at a time', '/s', 0, 'more'), aim: 2, of: perSecond },
      { ...row('p50 on a new connection', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p50Ms },
      { ...row('p99 on a new connection', 'ms', 2, 'less'), of: ({ wrk }) => wrk.p99Ms },
      { ...row('CPU for 100,000 connections', 's', 1, 'less'), of: cpuPerRequests },
    ],
  },
  {
    ...{ path: '/bulk', connections: 1, close: false },
    metrics: [{ ...row('16 MiB bodies, 1 connection', 'MB/s', 0, 'more'), of: megabytes }],
  },
  {
    ...{ path: '/bulk', connections: 4, close: false, memory: 'after the bulk' },
    metrics: [
      { ...row('16 MiB bodies, 4 connections', 'MB/s', 0, 'more'), of: megabytes },
      {
        ...row('CPU for 1 GB', 's', 2, 'less'),
        of: ({ cpuSeconds, wrk }) => cpuSeconds / (wrk.bytes / GB),
      },
    ],
  },
];

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
