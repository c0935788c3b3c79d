import { networkInterfaces } from 'node:os';
import type { Address } from '../../proxy/address.ts';
import { type CaptureOptions, noCapture } from '../../proxy/capture/capture-options.ts';

/** How a sidecar gets the connections of its workload. */
export interface CaptureConfig {
  /** Ports to which the kernel's rules bring them; undefined: only named listeners take any. */
  readonly redirect:
    | {
        readonly outboundPort: number;
        readonly inboundPort: number;
        readonly dnsPort: number | undefined;
        /** The workload's ports; undefined: all but the proxy's own. */
        readonly inboundPorts:
          | readonly { readonly name: string; readonly port: number }[]
          | undefined;
      }
    | undefined;
  /** Where programs find an HTTP proxy and a SOCKS 5 proxy; loopback addresses. */
  readonly httpProxy: Address | undefined;
  readonly socks: Address | undefined;
}

const LOOPBACK = '127.0.0.1';
const LOOPBACK6 = '::1';

/** Where a proxy listens for that, by what address families this host has. */
export function captureOptions(config: CaptureConfig | undefined): CaptureOptions {
  if (config === undefined) return noCapture;
  const { redirect, httpProxy, socks } = config;
  if (redirect === undefined) return { ...noCapture, httpProxy, socks };
  const { outboundPort, inboundPort, dnsPort, inboundPorts } = redirect;
  const ipv6 = hasIpv6();
  // The rules bring outbound connections to the loopback address: nobody else needs to get there.
  const loopback = (port: number): readonly Address[] =>
    (ipv6 ? [LOOPBACK, LOOPBACK6] : [LOOPBACK]).map((host) => ({ host, port }));
  return {
    ...{ httpProxy, socks },
    outbound: loopback(outboundPort),
    inbound: [{ host: ipv6 ? '::' : '0.0.0.0', port: inboundPort }],
    inboundPorts: inboundPorts?.map(({ port }) => port),
    dns: dnsPort === undefined ? [] : loopback(dnsPort),
    resolvConf: noCapture.resolvConf,
  };
}

/** Ports of the workload by name, for Services whose targetPort is a name. */
export function namedCapturePorts(
  config: CaptureConfig | undefined,
): Readonly<Record<string, number>> {
  const ports = config?.redirect?.inboundPorts ?? [];
  return Object.fromEntries(ports.map(({ name, port }) => [name, port]));
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === LOOPBACK6),
  );
}
