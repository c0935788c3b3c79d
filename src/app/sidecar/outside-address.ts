import type { NetworkInterfaceInfo } from 'node:os';

/** The interfaces of a host, as `networkInterfaces` of Node.js gives them. */
export type Interfaces = Readonly<
  Record<
    string,
    readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[] | undefined
  >
>;

const LOOPBACK = '127.0.0.1';
/** Means something on one wire only. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/**
 * The address under which other hosts reach this one: the first IPv4 address that is not its own loopback, the
 * first IPv6 one where there is none (link-local ones are none), and the loopback of a host that nobody reaches.
 */
export function outsideAddress(interfaces: Interfaces): string {
  const outside = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address));
  const first = (family: 'IPv4' | 'IPv6'): string | undefined =>
    outside.find((each) => each.family === family)?.address;
  return first('IPv4') ?? first('IPv6') ?? LOOPBACK;
}
