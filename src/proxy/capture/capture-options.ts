import type { Address } from '../address.ts';

/** How connections get to the proxy without the application naming it, and by names of the mesh. */
export interface CaptureOptions {
  /** Where the kernel's rules bring what the application sends; loopback addresses. */
  readonly outbound: readonly Address[];
  /** Where they bring what peers send to the workload's ports. */
  readonly inbound: readonly Address[];
  /** Ports of this host that are the workload's; undefined: all but the proxy's own. */
  readonly inboundPorts: readonly number[] | undefined;
  /** Where names are looked up, by UDP and TCP; loopback addresses. */
  readonly dns: readonly Address[];
  /** File that names the resolvers for all other names. */
  readonly resolvConf: string;
  /** Where programs find an HTTP proxy, and a SOCKS 5 proxy; loopback addresses. */
  readonly httpProxy: Address | undefined;
  readonly socks: Address | undefined;
}

/** The same with the ports that were bound, in their order, where any would do. */
export function settledCapture(capture: CaptureOptions, bound: readonly Address[]): CaptureOptions {
  const rest = [...bound];
  const settle = (at: Address): Address => ({ ...at, port: rest.shift()?.port ?? at.port });
  const maybe = (at: Address | undefined): Address | undefined => at && settle(at);
  return {
    ...capture,
    outbound: capture.outbound.map(settle),
    inbound: capture.inbound.map(settle),
    dns: capture.dns.map(settle),
    httpProxy: maybe(capture.httpProxy),
    socks: maybe(capture.socks),
  };
}

/** Of a sidecar that captures nothing. */
export const noCapture: CaptureOptions = Object.freeze({
  ...{ outbound: [], inbound: [], inboundPorts: [], dns: [] },
  ...{ resolvConf: '/etc/resolv.conf', httpProxy: undefined, socks: undefined },
});
