import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MeshError } from '../src/lib/errors.ts';
import type { ApplicationPath } from './application.ts';

/** What wrk is to do. */
export interface WrkLoad {
  readonly path: ApplicationPath;
  /** Open at a time, from one thread. */
  readonly connections: number;
  /** A new connection for every request. */
  readonly close: boolean;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  /** From the request's first byte, on a connection that is open, to the answer's last. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Everything that went wrong, in words; undefined when nothing did. */
  readonly problem: string | undefined;
}

export interface WrkRun {
  readonly wrk: string;
  readonly port: number;
  readonly load: WrkLoad;
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Of every request. */
  readonly header?: string | undefined;
}

/** The JSON of `wrk-report.lua`. */
interface Report {
  readonly requests: number;
  readonly durationUs: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: Readonly<Record<string, number>>;
}

const script = fileURLToPath(new URL('wrk-report.lua', import.meta.url));

/** @throws {MeshError} ERR_UNREACHABLE when wrk itself does not run or says nothing. */
export function runWrk({ wrk, port, load, seconds, signal, header }: WrkRun): Promise<WrkResult> {
  const args = [
    ...['--threads', '1', '--connections', String(load.connections)],
    ...['--duration', `${seconds}s`, '--timeout', '10s', '--script', script],
    ...(load.close ? ['--header', 'Connection: close'] : []),
    ...(header === undefined ? [] : ['--header', header]),
    `http://127.0.0.1:${port}${load.path}`,
  ];
  return new Promise((resolve, reject) => {
    execFile(wrk, args, { signal }, (error, stdout, stderr) => {
      const line = stdout.split('\n').find((each) => each.startsWith('{'));
      if (error === null && line !== undefined) return resolve(read(JSON.parse(line) as Report));
      const why = stderr.trim() || error?.message || 'it printed no result';
      reject(new MeshError('ERR_UNREACHABLE', `wrk failed: ${why}`, { cause: error }));
    });
  });
}

function read({ requests, durationUs, bytes, p50Us, p99Us, errors }: Report): WrkResult {
  const problems = Object.entries(errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind} errors`);
  if (bytes === 0) problems.push('no request was answered');
  return {
    ...{ requests, bytes, seconds: durationUs / 1e6 },
    ...{ p50Ms: p50Us / 1e3, p99Ms: p99Us / 1e3 },
    problem: problems.length === 0 ? undefined : problems.join(', '),
  };
}
