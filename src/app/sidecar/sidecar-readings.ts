import type { ReceivedCredentials } from '../../agent/facts/received-credentials.ts';
import type { IdentityManager } from '../../agent/identity/identity-manager.ts';
import type { SpiffeSocket } from '../../agent/socket/spiffe-socket.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ServingProxy } from '../../proxy/workers/serving-proxy.ts';
import type { SidecarReadings } from '../../telemetry/sidecar-metrics.ts';
import type { AdsClient } from '../../xds/ads-client.ts';
import type { SidecarClock } from './sidecar-clock.ts';

/** The parts of a sidecar that are looked at. */
export interface ObservedParts {
  readonly manager: IdentityManager;
  readonly clock: SidecarClock;
  readonly ads: AdsClient;
  readonly proxy: ServingProxy;
  readonly spiffe: SpiffeSocket;
  readonly credentials: ReceivedCredentials;
}

/** What metrics read of a sidecar, at the moment in which they are asked for. */
export function sidecarReadings(parts: ObservedParts): SidecarReadings {
  const { manager, ads, clock, proxy, spiffe, credentials } = parts;
  const { identity } = manager;
  return {
    certificateNotAfterMs: () => identity.current.svid.chain[0]?.notAfterMs ?? 0,
    inSync: () => ads.state.current.phase === 'synced',
    openConnections: () => proxy.open,
    workers: () => proxy.workers,
    ...{ sds: () => spiffe.sds, credentials: () => credentials.held.current },
    federated: () => identity.current.federated?.length ?? 0,
    clockSkewMs: () => clock.status.skewMs,
    clockJumps: () => clock.status.jumps,
  };
}

/** Why nobody should be sent to a sidecar; undefined when all is well. */
export function whyNotReady({ identity }: IdentityManager, stop: AbortSignal): string | undefined {
  if (stop.aborted) return 'draining';
  const notAfterMs = identity.current.svid.chain[0]?.notAfterMs ?? 0;
  return notAfterMs > systemClock.now()
    ? undefined
    : `the certificate expired at ${new Date(notAfterMs).toISOString()}`;
}
