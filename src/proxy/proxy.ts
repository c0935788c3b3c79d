import type { Server } from 'node:net';
import type { Address } from './address.ts';
import type { CaptureState } from './capture/capture-listeners.ts';
import { defaultLimits } from './limits.ts';
import { type ListeningSocket, type ListenPlan, listenAll, listeningSocket } from './listen.ts';
import type { ConnectionRecord } from './proxy-events.ts';
import type { ProxyOptions } from './proxy-options.ts';
import { ProxyParts } from './proxy-parts.ts';
import type { ProxyStats } from './reporter.ts';

export type { Address } from './address.ts';
export type { ProxyOptions } from './proxy-options.ts';
export type { ProxyStats } from './reporter.ts';

export interface RunningProxy {
  /** Where it listens, with real ports where 0 was asked, in the order of the options. */
  readonly bound: {
    readonly inbound: readonly Address[];
    readonly outbound: readonly Address[];
    readonly hbone: Address;
    /** In the order outbound, inbound, DNS, HTTP proxy, SOCKS proxy. */
    readonly capture: readonly Address[];
  };
  /** The sockets behind `bound`, for a successor. */
  readonly listening: readonly ListeningSocket[];
  /** What is captured. */
  capture(): Promise<CaptureState>;
  /** What is open now. */
  connections(): readonly ConnectionRecord[];
  readonly stats: ProxyStats;
  /**
   * Stops accepting and tells peers to open nothing more here; connections may end until
   * `deadlineMs` from now and are cut then. Resolves when all is closed.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Resets all connections within this call, so that nobody takes the end of a dying thread for theirs. */
  cut(): void;
}

/**
 * Binds all addresses or none and serves.
 *
 * @throws {MeshError} ERR_LISTEN naming the address and what to do.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const parts = new ProxyParts(options, { ...defaultLimits, ...options.limits });
  const inbound = options.inbound.map(({ listen, app }) => ({
    server: parts.inboundServer(app),
    address: listen,
    purpose: `connections to the application on port ${app.port}`,
  }));
  const outbound = options.outbound.map(({ listen, service }) => ({
    server: parts.outboundServer(service),
    address: listen,
    purpose: `connections to ${service.host}:${service.port}`,
  }));
  const hbone = { server: parts.hboneServer, address: options.hbone, purpose: 'HBONE' };
  const { capture } = parts;
  const plans: ListenPlan[] = [hbone, ...inbound, ...outbound, ...capture.plans];
  try {
    const { inherited = [], alone = false } = options.sockets ?? {};
    const { tcp = [], udp = [] } = Object.groupBy(inherited, ({ transport }) => transport);
    const listening = await listenAll(plans, { inherited: tcp, alone });
    const [hboneBound = options.hbone, ...rest] = listening.map(({ address }) => address);
    const bound = {
      inbound: rest.slice(0, inbound.length),
      outbound: rest.slice(inbound.length, inbound.length + outbound.length),
      hbone: hboneBound,
      capture: rest.slice(inbound.length + outbound.length),
    };
    await capture.open(udp);
    parts.serve(
      bound.inbound.map((listen, i) => ({ listen, app: options.inbound[i]?.app ?? listen })),
    );
    return running({ parts, bound, servers: listening.flatMap(({ servers }) => servers) });
  } catch (error) {
    parts.stop();
    throw error;
  }
}

function running(proxy: {
  readonly parts: ProxyParts;
  readonly bound: RunningProxy['bound'];
  readonly servers: readonly Server[];
}): RunningProxy {
  const { parts, bound, servers } = proxy;
  let drained: Promise<void> | undefined;
  return {
    bound,
    get listening() {
      const tcp = servers.map(listeningSocket).filter((socket) => socket !== undefined);
      return [...tcp, ...parts.capture.listening];
    },
    cut: () => parts.cut(),
    connections: () => parts.table.list(),
    capture: () => parts.capture.state(),
    get stats() {
      return parts.reporter.stats();
    },
    drain(deadlineMs) {
      const first = drained ?? parts.drain(servers, deadlineMs);
      drained = first;
      return first;
    },
  };
}
