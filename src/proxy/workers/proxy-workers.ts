import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { formatAddress } from '../address.ts';
import { mergedCapture } from '../capture/capture-listeners.ts';
import { settledCapture } from '../capture/capture-options.ts';
import { defaultLimits } from '../limits.ts';
import type { SocketPlan } from '../listen.ts';
import type { RunningProxy } from '../proxy.ts';
import type { ProxyEvents } from '../proxy-events.ts';
import type { ProxyPlan, ProxySubjects } from '../proxy-options.ts';
import { type TicketKeys, ticketKeys } from '../tls/ticket-keys.ts';
import { HeldSockets } from './held-sockets.ts';
import { ProxyThread, type Survey } from './proxy-thread.ts';
import type { ServingProxy, WorkerEvents } from './serving-proxy.ts';
import type { OpenCounts } from './worker-protocol.ts';

export interface ProxyWorkersOptions {
  readonly plan: ProxyPlan;
  readonly subjects: ProxySubjects;
  readonly clock: Clock;
  readonly events: ProxyEvents;
  readonly workerEvents: WorkerEvents;
  /** How many workers. */
  readonly count: number;
  /** The module that their threads run. Default: that of this program. */
  readonly entry?: URL;
  /** Of this program; a thread that finds another one on disk does not serve. Default: what is on disk now. */
  readonly version?: string;
  /** How long one that takes another's place may take until it serves, in milliseconds. Default 60,000. */
  readonly startWithinMs?: number;
}

const STEADY_MS = 60_000;
const START_WITHIN_MS = 60_000;
const MAX_ISSUERS = 64;
const BACKOFF = { firstMs: 100, maxMs: 10_000 } as const;
/** Connections of one start of a worker have numbers of their own. */
const NUMBERS_EACH = 2 ** 32;

// As source and as it is published.
const ownEntry = new URL(
  import.meta.url.endsWith('.ts')
    ? 'src/proxy/workers/worker-main.ts'
    : 'dist/proxy/workers/worker-main.js',
  packageRoot,
);

/**
 * Proxies in threads that listen on the same addresses, among which the system shares connections.
 * They share nothing but what they follow. One that ends is started again, with pauses that grow; the
 * others go on meanwhile. Resolves when all of them serve.
 *
 * @throws {MeshError} as `startProxy`.
 */
export async function startProxyWorkers(options: ProxyWorkersOptions): Promise<ServingProxy> {
  const crew = new Crew(options);
  try {
    // The first one settles which ports are meant where any will do.
    const bound = await crew.start(0, options.plan);
    const settled = settledPlan(options.plan, bound);
    await Promise.all(
      Array.from({ length: options.count - 1 }, (_, i) => crew.start(i + 1, settled)),
    );
    crew.keep(settled);
    return crew.serving(bound);
  } catch (error) {
    await crew.end();
    throw error;
  }
}

interface Member {
  thread: ProxyThread;
  readonly held: HeldSockets;
  startedAtMs: number;
  restarts: number;
  serving: boolean;
}

class Crew {
  readonly #options: ProxyWorkersOptions;
  readonly #clock: Clock;
  readonly #members: Member[] = [];
  readonly #leaving = new AbortController();
  /** As it was at the start: files may be replaced while this runs. */
  readonly #version: string;
  /** The same in all workers, so that whatever one gave out another may take. */
  readonly #tickets: TicketKeys;
  readonly #issuers = new WatchableValue<readonly Uint8Array[]>([]);
  #starts = 0;

  constructor(options: ProxyWorkersOptions) {
    this.#options = options;
    this.#version = options.version ?? packageVersion();
    this.#tickets = ticketKeys(options.subjects);
    this.#clock = options.clock;
  }

  /** Starts the worker of that number for the first time. */
  async start(worker: number, plan: ProxyPlan): Promise<RunningProxy['bound']> {
    const thread = this.#thread(plan, this.#socketsOf(worker));
    const held = new HeldSockets();
    const member = {
      thread,
      held,
      startedAtMs: this.#clock.elapsedMs(),
      restarts: 0,
      serving: false,
    };
    this.#members[worker] = member;
    const bound = await thread.bound;
    held.hold(thread.listening);
    member.serving = true;
    return bound;
  }

  /** From now on who ends is started again. */
  keep(plan: ProxyPlan): void {
    for (const [worker, member] of this.#members.entries())
      void this.#keepOne(worker, member, plan);
  }

  serving(bound: RunningProxy['bound']): ServingProxy {
    const members = this.#members;
    const surveys = async (): Promise<readonly Survey[]> => {
      // One that is being started has nothing yet, and who asks need not wait for it.
      const asked = members.filter(({ serving }) => serving);
      const answers = await Promise.all(asked.map(({ thread }) => thread.survey()));
      return answers.filter((answer) => answer !== undefined);
    };
    let drained: Promise<void> | undefined;
    return {
      bound,
      get listening() {
        return members.flatMap(({ held }) => held.sockets);
      },
      get workers() {
        return members.map(({ thread, restarts, serving }, worker) => {
          return { worker, serving, restarts, open: thread.open, eventsDropped: thread.dropped };
        });
      },
      get open() {
        return sumOf(members.map(({ thread }) => thread.open));
      },
      async connections() {
        return (await surveys()).flatMap(({ records }) => records);
      },
      async capture() {
        return mergedCapture((await surveys()).map(({ capture }) => capture));
      },
      drain: (deadlineMs) => {
        drained ??= this.#drain(deadlineMs);
        return drained;
      },
    };
  }

  async end(): Promise<void> {
    this.#leaving.abort();
    for (const { held } of this.#members) held.release();
    this.#tickets.stop();
    await Promise.all(this.#members.map(({ thread }) => thread.end('stopped')));
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#leaving.abort();
    for (const { held } of this.#members) held.release();
    await Promise.all(this.#members.map(({ thread }) => thread.drain(deadlineMs)));
    this.#tickets.stop();
  }

  async #keepOne(worker: number, member: Member, plan: ProxyPlan): Promise<void> {
    const { signal } = this.#leaving;
    const { workerEvents } = this.#options;
    for (let failures = 0; ; ) {
      const { reason, open } = await member.thread.ended;
      if (signal.aborted) return;
      member.serving = false;
      const steady = this.#clock.elapsedMs() - member.startedAtMs >= STEADY_MS;
      failures = steady ? 1 : failures + 1;
      const restartInMs = backoffMs(failures, BACKOFF);
      const connectionsLost = open.inbound + open.outbound;
      workerEvents.workerEnded({ worker, reason, connectionsLost, restartInMs });
      // What comes meanwhile waits in the queue for the next one; not for long, so only after a first crash.
      if (failures > 1) member.held.release();
      await this.#clock.sleep(restartInMs, signal);
      if (signal.aborted) return;
      member.thread = this.#thread(plan, { inherited: member.held.copies() });
      member.startedAtMs = this.#clock.elapsedMs();
      member.restarts += 1;
      // A failure to bind ends the thread, which is seen above.
      member.serving = await this.#begun(member.thread);
      if (!member.serving) continue;
      member.held.hold(member.thread.listening);
      workerEvents.workerRestarted({ worker });
    }
  }

  /** Whether it came to serve. One that takes too long is ended: its share of the connections waits for it. */
  async #begun(thread: ProxyThread): Promise<boolean> {
    const { startWithinMs = START_WITHIN_MS } = this.#options;
    const settled = new AbortController();
    const until = AbortSignal.any([settled.signal, this.#leaving.signal]);
    const bound = thread.bound.then(
      () => true,
      () => false,
    );
    const late = this.#clock.sleep(startWithinMs, until).then(() => undefined);
    const begun = await Promise.race([bound, late]);
    settled.abort();
    if (begun === undefined && !this.#leaving.signal.aborted) {
      await thread.end(`it did not come to serve in ${startWithinMs / 1_000} s`);
    }
    return begun ?? false;
  }

  /** Tells all workers of an authority that one has met: tickets hold none. */
  #met(der: Uint8Array): void {
    const known = this.#issuers.current;
    if (known.some((each) => Buffer.compare(each, der) === 0)) return;
    this.#issuers.set([...known, der].slice(-MAX_ISSUERS));
  }

  /** A worker's part of what the proxy inherits; once the first one has its ports the others share them. */
  #socketsOf(worker: number): SocketPlan {
    const { count, plan } = this.#options;
    const { inherited = [], alone = false } = plan.sockets ?? {};
    const seen = new Map<string, number>();
    const part = inherited.filter((socket) => {
      const key = `${socket.transport} ${formatAddress(socket)}`;
      const nth = seen.get(key) ?? 0;
      seen.set(key, nth + 1);
      return nth % count === worker;
    });
    return { inherited: part, alone: alone && worker === 0 };
  }

  #thread(plan: ProxyPlan, sockets: SocketPlan): ProxyThread {
    const { count, subjects, events, entry = ownEntry } = this.#options;
    const firstNumber = this.#starts * NUMBERS_EACH;
    this.#starts += 1;
    return new ProxyThread({
      ...{ version: this.#version, events, entry, issuerMet: (der) => this.#met(der) },
      subjects: { ...subjects, ticketKeys: this.#tickets.keys, issuers: this.#issuers },
      plan: { ...planOf(plan, count), sockets, firstNumber },
    });
  }
}

/** The plan of one of so many workers: its part of what is bounded together. */
function planOf(plan: ProxyPlan, count: number): ProxyPlan {
  const limits = { ...defaultLimits, ...plan.limits };
  const maxConnections = Math.ceil(limits.maxConnections / count);
  return { ...plan, limits: { ...limits, maxConnections } };
}

/** The plan with the ports that were bound. */
function settledPlan(plan: ProxyPlan, bound: RunningProxy['bound']): ProxyPlan {
  const port = (
    listen: { readonly host: string; readonly port: number },
    real?: typeof listen,
  ) => ({
    ...listen,
    port: real?.port ?? listen.port,
  });
  const { capture } = plan;
  return {
    ...plan,
    inbound: plan.inbound.map((each, i) => ({
      ...each,
      listen: port(each.listen, bound.inbound[i]),
    })),
    outbound: plan.outbound.map((each, i) => ({
      ...each,
      listen: port(each.listen, bound.outbound[i]),
    })),
    hbone: port(plan.hbone, bound.hbone),
    ...(capture === undefined ? {} : { capture: settledCapture(capture, bound.capture) }),
  };
}

function sumOf(counts: readonly OpenCounts[]): OpenCounts {
  const sum = (direction: keyof OpenCounts): number =>
    counts.reduce((total, each) => total + each[direction], 0);
  return { inbound: sum('inbound'), outbound: sum('outbound') };
}
