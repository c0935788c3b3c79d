import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { echoServer, startApp } from './proxy-pair.ts';
import { residentMb } from './resident-memory.ts';
import { type Breakages, breakThings, flip, rotate } from './soak-changes.ts';
import { SoakLoad } from './soak-load.ts';
import { type SoakMesh, soakMesh } from './soak-mesh.ts';
import { threadHeaps } from './thread-heaps.ts';

export interface SoakOptions {
  /** Empty; everything that the mesh keeps goes there. */
  readonly directory: string;
  readonly seconds: number;
  /** Of the application, open at a time. */
  readonly connections: number;
  /** Between two renewals of all certificates. */
  readonly rotateSeconds: number;
  /** Between two changes of policy. */
  readonly flipSeconds: number;
  /** Told once a second or so. */
  readonly progress?: (line: string) => void;
}

/** One look at a process's memory. */
export interface MemoryLook {
  /** Since the load began. */
  readonly seconds: number;
  readonly mb: number;
}

/** The first look at the heaps comes after such a part of the time, before anything is broken. */
const WARM_UP = 8;

/** What came of it. */
export interface SoakReport extends Breakages {
  readonly seconds: number;
  readonly requests: number;
  /** Connections that were opened, the first ones included. */
  readonly opened: number;
  /** Why each failed request did, and each connection that could not be made. */
  readonly failures: readonly string[];
  /** Connections that were cut because the worker that carried them crashed; not in `failures`. */
  readonly lostConnections: number;
  /** Connections that were being made then; not in `failures` either. */
  readonly interruptedConnections: number;
  /** Requests that were on the way on both. */
  readonly lostRequests: number;
  readonly flips: number;
  /** Certificates that the two sidecars got. */
  readonly certificates: number;
  /** How each connection of the callers travelled. */
  readonly transports: Readonly<Record<string, number>>;
  /** RSS of each sidecar and of the control plane. */
  readonly memory: Readonly<Record<string, readonly MemoryLook[]>>;
  /** What the threads of each sidecar hold after a garbage collection, in MB, the agent's first: early and at the end. */
  readonly heaps: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/**
 * A mesh of processes under load while everything about it changes: certificates are renewed all the
 * time, policies flip between ones that all allow the load, the control plane is stopped, killed and
 * comes back, and workers of both sidecars crash.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { directory, seconds, connections } = options;
  const group = new ProcessGroup(directory);
  const app = await startApp(echoServer());
  try {
    const mesh = await soakMesh(group, app.address, directory);
    const load = new SoakLoad(mesh.entrance);
    const deadlineMs = Date.now() + seconds * 1_000;
    const stop = new AbortController();
    const running = load.run(connections, stop.signal);
    const watching = watch(mesh, load, { ...options, signal: stop.signal });
    const flipping = flip(mesh, options.flipSeconds, stop.signal);
    const rotating = rotate(mesh, options.rotateSeconds, stop.signal);
    const early = sleep((seconds * 1_000) / WARM_UP).then(() => heapsOf(mesh));
    const breakages = await breakThings(mesh, load, seconds);
    await sleep(Math.max(0, deadlineMs - Date.now()));
    stop.abort();
    await Promise.all([running, rotating]);
    // Not under load: a debugger that comes to a worker just started may end it.
    const looks = [await early, await heapsOf(mesh)];
    const [seen, flips] = [await watching, await flipping];
    const status = await Promise.all(mesh.sidecars.map((sidecar) => sidecar.status()));
    const { requests, opened, failures } = load;
    const { lostConnections, interruptedConnections, lostRequests } = load;
    return {
      ...{ seconds, requests, opened, failures },
      ...{ lostConnections, interruptedConnections, lostRequests },
      ...{ flips, ...breakages, ...seen },
      heaps: Object.fromEntries(
        mesh.sidecars.map(({ name }, at) => [name, looks.map((look) => look[at] ?? [])]),
      ),
      certificates: status.reduce((sum, { identity }) => sum + identity.received, 0),
    };
  } finally {
    await group.stop();
    await app[Symbol.asyncDispose]();
  }
}

function heapsOf({ sidecars }: SoakMesh): Promise<readonly (readonly number[])[]> {
  return Promise.all(sidecars.map((sidecar) => threadHeaps(sidecar.debuggable)));
}

async function watch(
  { plane, sidecars }: SoakMesh,
  load: SoakLoad,
  options: SoakOptions & { readonly signal: AbortSignal },
): Promise<Pick<SoakReport, 'memory' | 'transports'>> {
  const { signal, progress, seconds } = options;
  const memory: Record<string, MemoryLook[]> = {};
  const transports: Record<string, number> = {};
  const startMs = Date.now();
  const look = (name: string, pid: number): void => {
    const mb = residentMb(pid);
    if (mb === undefined) return;
    const looks = memory[name] ?? [];
    looks.push({ seconds: Math.round((Date.now() - startMs) / 100) / 10, mb });
    memory[name] = looks;
  };
  while (!signal.aborted) {
    await sleep(Math.max(1_000, (seconds * 1_000) / 240), undefined, { signal }).catch(
      () => undefined,
    );
    look('control plane', plane.process.pid);
    for (const sidecar of sidecars) {
      look(sidecar.name, sidecar.process.pid);
      const status = await sidecar.status().catch(() => undefined);
      for (const { direction, transport } of status?.connections ?? []) {
        if (direction === 'outbound') transports[transport] = (transports[transport] ?? 0) + 1;
      }
    }
    const last = Object.entries(memory).map(([name, looks]) => `${name} ${looks.at(-1)?.mb} MB`);
    const { requests, opened, failures, lostConnections } = load;
    progress?.(
      `${requests} requests, ${opened} connections, ${failures.length} failures, ${lostConnections} lost with workers, ${last.join(', ')}`,
    );
  }
  return { memory, transports };
}
