import { startProxy } from '../proxy.ts';
import type { ProxyOptions } from '../proxy-options.ts';
import type { ServingProxy } from './serving-proxy.ts';

/** One proxy in this thread. @throws {MeshError} as `startProxy`. */
export async function serveHere(options: ProxyOptions): Promise<ServingProxy> {
  const proxy = await startProxy(options);
  return {
    bound: proxy.bound,
    get listening() {
      return proxy.listening;
    },
    workers: [],
    get open() {
      const open = { inbound: 0, outbound: 0 };
      for (const { direction } of proxy.connections()) open[direction] += 1;
      return open;
    },
    connections: () => Promise.resolve(proxy.connections()),
    capture: () => proxy.capture(),
    drain: (deadlineMs) => proxy.drain(deadlineMs),
  };
}
