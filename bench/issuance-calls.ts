import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { obtainSvid } from '../src/agent/identity/obtain-svid.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Identity } from '../src/spiffe/identity.ts';
import { generateKeyPair } from '../src/x509/key-pair.ts';
import { operatorOf } from '../test/kit/operator.ts';
import { csrClient, requestFrame } from './csr-client.ts';
import { csrPems } from './issuance-in-one-thread.ts';

export interface CallRate {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** Of the control plane for each certificate: what it costs, however busy the machine is. */
  readonly cpuMs: number;
}

interface Plane {
  readonly pid: number;
  readonly port: number;
  readonly identity: Identity;
}

const ROOT_NAMESPACE = 'istio-system';
const WORKERS = 32;
const WARM_UP_SECONDS = 2;
const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviews, namespace: shop }
`;

/** Renewals, authenticated by the present SVID, by 32 callers at once. */
export async function* callRates(options: {
  readonly seconds: number;
  readonly rounds: number;
}): AsyncGenerator<CallRate> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hauberk-bench-'));
  const program = join(import.meta.dirname, '../bin/hauberk');
  const args = [
    program,
    'up',
    '--data-dir',
    dataDir,
    '--xds',
    '127.0.0.1:0',
    '--api-listen',
    '127.0.0.1:0',
    '-o',
    'json',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const plane = {
      pid: child.pid ?? 0,
      ...(await enrol(dataDir, await readyPort(child.stdout))),
    };
    const frames = csrPems().map(requestFrame);
    await overOneConnection(plane, frames, WARM_UP_SECONDS);
    for (let round = 0; round < options.rounds; round++) {
      yield await overOneConnection(plane, frames, options.seconds);
      yield await overNewConnections(plane, frames, options.seconds);
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function readyPort(output: NodeJS.ReadableStream): Promise<number> {
  let text = '';
  for await (const line of createInterface({ input: output })) {
    text += line;
    if (line === '}') return (JSON.parse(text) as { xdsPort: number }).xdsPort;
  }
  throw new Error(`the control plane did not start: ${text}`);
}

async function enrol(dataDir: string, port: number): Promise<Omit<Plane, 'pid'>> {
  const operator = operatorOf(dataDir);
  await operator.apply(MANIFEST);
  const token = await operator.enrolmentToken('shop', 'reviews');
  const address = { host: '127.0.0.1', port };
  const obtain = obtainSvid({ address, rootNamespace: ROOT_NAMESPACE, token, clock: systemClock });
  const { signal } = new AbortController();
  return { port, identity: await obtain(undefined, generateKeyPair(), signal) };
}

async function overOneConnection(
  plane: Plane,
  frames: readonly Uint8Array[],
  seconds: number,
): Promise<CallRate> {
  const client = csrClient(plane.port, plane.identity);
  try {
    return await measure('one connection', { plane, seconds }, (n) =>
      client.ask(frameAt(frames, n)),
    );
  } finally {
    client.close();
  }
}

/** As agents come: each with a TLS handshake of its own. */
function overNewConnections(
  plane: Plane,
  frames: readonly Uint8Array[],
  seconds: number,
): Promise<CallRate> {
  return measure('a new connection each', { plane, seconds }, async (n) => {
    const client = csrClient(plane.port, plane.identity);
    try {
      await client.ask(frameAt(frames, n));
    } finally {
      client.close();
    }
  });
}

function frameAt(frames: readonly Uint8Array[], n: number): Uint8Array {
  return frames[n % frames.length] ?? new Uint8Array();
}

async function measure(
  name: string,
  { plane, seconds }: { readonly plane: Plane; readonly seconds: number },
  work: (n: number) => Promise<void>,
): Promise<CallRate> {
  let next = 0;
  let failed = 0;
  const tookMs: number[] = [];
  const cpuStartMs = cpuMsOf(plane.pid);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      while (performance.now() < endMs) {
        const beganMs = performance.now();
        await work(next++).then(
          () => tookMs.push(performance.now() - beganMs),
          () => failed++,
        );
      }
    }),
  );
  const cpuMs = (cpuMsOf(plane.pid) - cpuStartMs) / tookMs.length;
  const perSecond = tookMs.length / ((performance.now() - startMs) / 1_000);
  tookMs.sort((a, b) => a - b);
  const at = (part: number): number => tookMs[Math.floor(tookMs.length * part)] ?? Number.NaN;
  return { name, perSecond, p50Ms: at(0.5), p99Ms: at(0.99), failed, cpuMs };
}

const TICK_MS = 10;

/** User and system time of a process so far, from fields 14 and 15 of its stat line (proc(5)). */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
