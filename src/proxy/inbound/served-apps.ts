import type { Address } from '../address.ts';

/** A workload port: where it listens, and the application behind it. */
export interface ServedPort {
  readonly listen: Address;
  readonly app: Address;
}

/** What a workload serves, and under which addresses. */
export interface AppFinderOptions {
  readonly ports: () => readonly ServedPort[];
  readonly ownAddresses: readonly string[];
  /** Whether a port is captured, so that its application is where the peer says. Default: none is. */
  readonly captured?: (port: number) => boolean;
}

/**
 * Finds the application that an HBONE authority means: the host must be an address of this workload,
 * or the one that the peer connected to, and the port one that is served. Where two ports are
 * equal the one that listens on the host itself is preferred.
 */
export function appFinder({
  ports,
  ownAddresses,
  captured = () => false,
}: AppFinderOptions): (authority: Address, localHost: string) => Address | undefined {
  const own = new Set(ownAddresses.map((address) => address.toLowerCase()));
  return ({ host, port }, localHost) => {
    if (!own.has(host) && host !== localHost) return undefined;
    const served = ports().filter(({ listen }) => listen.port === port);
    const named = served.find(({ listen }) => listen.host === host) ?? served[0];
    // The address that the peer came to is one of this host, which the advertised one may not be.
    return named?.app ?? (captured(port) ? { host: localHost, port } : undefined);
  };
}
