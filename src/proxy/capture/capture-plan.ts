/** A port, or all from the first to the last. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Whose connections are captured. */
export type Origin =
  /** Those of everybody but the proxy. */
  | { readonly kind: 'all' }
  | { readonly kind: 'uid'; readonly uid: number }
  | { readonly kind: 'gid'; readonly gid: number }
  | {
      readonly kind: 'cgroup';
      /** From the root of the cgroup v2 hierarchy, as in `system.slice/web.service`. */
      readonly path: string;
      /** The same from `/sys/fs/cgroup`, which is where `nft` looks. */
      readonly mountedPath: string;
      /** Depth below the root of the hierarchy, from 1. */
      readonly level: number;
    };

/** Which connections of those in question. Empty lists of what is included mean all. */
export interface Filter {
  readonly includePorts: readonly PortRange[];
  readonly excludePorts: readonly PortRange[];
  /** Address ranges: of destinations outbound, of sources inbound. */
  readonly includeCidrs: readonly Cidr[];
  readonly excludeCidrs: readonly Cidr[];
}

export interface Cidr {
  readonly family: 'ipv4' | 'ipv6';
  /** `10.0.0.0/8`, `fd00::/8`. */
  readonly text: string;
}

/** What the kernel is to bring to a sidecar. */
export interface CapturePlan {
  /** Tells the rules of several sidecars on one host apart; at most 15 letters, digits, underscores. */
  readonly name: string;
  /** Where the sidecar takes captured connections; no DNS port: names are looked up as before. */
  readonly ports: {
    readonly outbound: number;
    readonly inbound: number;
    readonly dns: number | undefined;
  };
  /** Users and groups as which the sidecar runs; what it sends is left alone. */
  readonly proxy: { readonly uids: readonly number[]; readonly gids: readonly number[] };
  readonly outbound:
    | (Filter & { readonly from: readonly Origin[]; readonly resolvers: readonly Cidr[] })
    | undefined;
  readonly inbound: Filter | undefined;
}

/**
 * Ports that are never captured inbound: what is not the workload's (SSH) or speaks mutual TLS of its
 * own (HBONE, the control plane), and health checks.
 */
export const NEVER_INBOUND: readonly number[] = [22, 6_443, 15_008, 15_012, 15_014, 15_020, 15_021];

/** Link-local addresses have a meaning on one interface only, which is lost on the way. */
export const NEVER_OUTBOUND: readonly Cidr[] = [{ family: 'ipv6', text: 'fe80::/10' }];
