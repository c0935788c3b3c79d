import { quote } from '../resources/field-problem.ts';
import type { Resource } from '../resources/resource.ts';
import type { StreamSink } from './api-request.ts';
import { requireObject } from './reads/read-objects.ts';
import { methodNotAllowed, type ResourceCall, wholeNumber } from './resource-call.ts';
import { badRequest, StatusError } from './status-error.ts';
import type { Subresource } from './subresource.ts';
import { isTrue } from './writes/write-options.ts';

/** One line of a log. */
export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}

/** Where the log of a process is read. */
export interface LogSource {
  /**
   * The lines that are kept, oldest first, then 'all kept' and, while `follow`, those to come until `signal`
   * aborts.
   */
  lines(
    options: { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<LogLine | 'all kept'>;
}

/** The log of a Pod; undefined while nobody is there who has it. */
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
        'ServiceUnavailable',
        `the log of "${pod.metadata.name}" is kept by its sidecar, which is not connected; read it where it runs`,
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
  if (sinceMs !== undefined && Number.isNaN(sinceMs)) {
    throw badRequest(
      `sinceTime: Invalid value: ${quote(since ?? '')}: must be a time in RFC 3339, such as "2026-01-31T12:00:00Z"`,
    );
  }
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
  const { follow, tail } = wish;
  const isWished = ({ atMs }: LogLine): boolean => atMs >= wish.sinceMs;
  // The last lines are known when all that is kept has been read.
  let holding: LogLine[] | undefined = tail === undefined ? undefined : [];
  for await (const line of source.lines({ follow }, signal)) {
    if (line === 'all kept') {
      yield* holding ?? [];
      holding = undefined;
    } else if (!isWished(line)) continue;
    else if (holding === undefined) yield line;
    else {
      holding.push(line);
      if (holding.length > Math.min(tail ?? 0, MOST_TAIL_LINES)) holding.shift();
    }
  }
  yield* holding ?? [];
}
