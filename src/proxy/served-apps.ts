import type { Address } from './address.ts';

/** A workload port: where it listens, and the application behind it. */
export interface ServedPort {
  readonly listen: Address;
  readonly app: Address;
}

/**
 * Finds the application that an HBONE authority means: the host must be an address of this workload,
 * or the one that the peer connected to, and the port one that is served. Where two ports are
 * equal the one that listens on the host itself is preferred.
 */
export function appFinder(
  ports: () => readonly ServedPort[],
  ownAddresses: readonly string[],
): (authority: Address, localHost: string) => Address | undefined {
  const own = new Set(ownAddresses.map((address) => address.toLowerCase()));
  return ({ host, port }, localHost) => {
    if (!own.has(host) && host !== localHost) return undefined;
    const served = ports().filter(({ listen }) => listen.port === port);
    return (served.find(({ listen }) => listen.host === host) ?? served[0])?.app;
  };
}
