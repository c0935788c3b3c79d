import { parseGoDuration } from '../../resources/go-duration.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';

/** Bounds on the connections to one port of a service; undefined: the proxy's own. */
export interface ConnectionBounds {
  /** Connections of this proxy at a time. */
  readonly maxConnections: number | undefined;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeoutMs: number | undefined;
  /** How long a connection may be silent in both directions, in milliseconds. */
  readonly idleTimeoutMs: number | undefined;
  /** How old a connection may become, in milliseconds. */
  readonly maxDurationMs: number | undefined;
  /** How long it must be idle before the kernel probes whether the peer is there, in milliseconds. */
  readonly keepAliveMs: number | undefined;
}

/** A rule's `connectionPool` for connections, as far as it means anything without looking into them. */
export function connectionBounds(
  pool: TrafficPolicy['connectionPool'],
  meshConnectTimeoutMs: number | undefined,
): ConnectionBounds {
  const { maxConnections = 0, ...tcp } = pool?.tcp ?? {};
  return {
    maxConnections: maxConnections > 0 ? maxConnections : undefined,
    connectTimeoutMs: positiveMs(tcp.connectTimeout) ?? meshConnectTimeoutMs,
    idleTimeoutMs: positiveMs(tcp.idleTimeout),
    maxDurationMs: positiveMs(tcp.maxConnectionDuration),
    keepAliveMs: positiveMs(tcp.tcpKeepalive?.time),
  };
}

function positiveMs(text: string | undefined): number | undefined {
  const ms = parseGoDuration(text ?? '');
  return ms === undefined || ms <= 0 ? undefined : ms;
}
