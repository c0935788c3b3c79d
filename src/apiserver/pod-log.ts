import type { Resource } from '../resources/resource.ts';
import type { StreamSink } from './api-request.ts';
import { requireObject } from './read-objects.ts';
import { methodNotAllowed, type ResourceCall, wholeNumber } from './resource-call.ts';
import { badRequest, StatusError } from './status-error.ts';
import type { Subresource } from './subresource.ts';
import { isTrue } from './write-options.ts';

/** One line of a log. */
export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}

/** Where the log of a process is read. */
export interface LogSource {
  /** The lines that are kept, oldest first, then, while `follow`, those to come until `signal` aborts. */
  lines(options: { readonly follow: boolean }, signal: AbortSignal): AsyncIterable<LogLine>;
}

/** The log of a Pod; undefined of one whose log is kept where it runs. */
export type PodLogs = (pod: Resource) => LogSource | undefined;

/** As much as is held to find the last lines. */
const MOST_TAIL_LINES = 100_000;

/** GET of `pods/<name>/log`: `kubectl logs`. */
export function logSubresource(logs: PodLogs, now: () => number): Subresource {
  return async (call, context) => {
    if (call.request.method !== 'GET') throw methodNotAllowed();
    const pod = await requireObject(call, context);
    checkContainer(call, pod);
    const { query } = call.request;
    if (isTrue(query.get('previous'))) {
      throw badRequest(`previous terminated container in pod "${pod.metadata.name}" not found`);
    }
    const source = logs(pod);
    if (source === undefined) {
      throw new StatusError(
        'NotImplemented',
        `the log of "${pod.metadata.name}" is where its sidecar runs; only the control plane's own is served here`,
      );
    }
    const wish = readWish(query, now());
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      stream: (sink, signal) => send(source, wish, { sink, signal }),
    };
  };
}

function checkContainer({ request }: ResourceCall, pod: Resource): void {
  const wanted = request.query.get('container') ?? '';
  const { containers = [] } = pod['spec'] as { containers?: readonly { name: string }[] };
  if (wanted === '' || containers.some(({ name }) => name === wanted)) return;
  throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
}

interface LogWish {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly sinceMs: number;
  readonly tail: number | undefined;
  readonly limitBytes: number;
}

function readWish(query: URLSearchParams, nowMs: number): LogWish {
  const seconds = wholeNumber(query, 'sinceSeconds');
  const since = query.get('sinceTime');
  const sinceMs = since === null ? undefined : Date.parse(since);
  if (sinceMs !== undefined && Number.isNaN(sinceMs)) throw badRequest('sinceTime: Invalid value');
  return {
    follow: isTrue(query.get('follow')),
    timestamps: isTrue(query.get('timestamps')),
    sinceMs: sinceMs ?? (seconds === undefined ? 0 : nowMs - seconds * 1_000),
    tail: wholeNumber(query, 'tailLines'),
    limitBytes: wholeNumber(query, 'limitBytes') ?? Number.POSITIVE_INFINITY,
  };
}

async function send(
  source: LogSource,
  wish: LogWish,
  { sink, signal }: { readonly sink: StreamSink; readonly signal: AbortSignal },
): Promise<void> {
  let left = wish.limitBytes;
  const write = async (line: LogLine): Promise<void> => {
    const stamp = wish.timestamps ? `${new Date(line.atMs).toISOString()} ` : '';
    const bytes = Buffer.from(`${stamp}${line.text}\n`).subarray(0, Math.max(left, 0));
    left -= bytes.length;
    if (bytes.length > 0) await sink.write(bytes);
  };
  for await (const line of wished(source, wish, signal)) {
    await write(line);
    if (left <= 0) return;
  }
}

async function* wished(
  source: LogSource,
  wish: LogWish,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const isWished = ({ atMs }: LogLine): boolean => atMs >= wish.sinceMs;
  if (wish.tail === undefined) {
    for await (const line of source.lines({ follow: wish.follow }, signal)) {
      if (isWished(line)) yield line;
    }
    return;
  }
  const { kept, count } = await lastLines(source, isWished, { most: wish.tail, signal });
  yield* kept;
  if (!wish.follow) return;
  let seen = 0;
  for await (const line of source.lines({ follow: true }, signal)) {
    seen += 1;
    if (seen > count && isWished(line)) yield line;
  }
}

/** The last lines that are wished, and how many lines there are in all. */
async function lastLines(
  source: LogSource,
  isWished: (line: LogLine) => boolean,
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<{ readonly kept: readonly LogLine[]; readonly count: number }> {
  const kept: LogLine[] = [];
  let count = 0;
  for await (const line of source.lines({ follow: false }, signal)) {
    count += 1;
    if (isWished(line)) kept.push(line);
    if (kept.length > Math.min(most, MOST_TAIL_LINES)) kept.shift();
  }
  return { kept, count };
}
