import type { Transport } from '@connectrpc/connect';
import { factTypes } from '../../agent/facts/fact-cache-facts.ts';
import { bundleType, ReceivedBundles, trustTypes } from '../../agent/facts/received-bundles.ts';
import { sinkByType } from '../../agent/files/sink-by-type.ts';
import { controlPlaneLink } from '../../agent/link/control-plane-link.ts';
import type { LagReport } from '../../agent/link/lag-report.ts';
import type { StreamRenewal } from '../../agent/link/stream-renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Workload } from '../../policy/workload.ts';
import { AdsClient } from '../../xds/ads-client.ts';
import type { SidecarParts } from './sidecar-parts.ts';
import type { WorkloadReport } from './workload-report.ts';

export interface SidecarLinkOptions extends SidecarParts {
  readonly stream: StreamRenewal;
  readonly lag: LagReport;
  /** What goes over each new connection. */
  readonly reports: readonly { use(transport: Transport): void }[];
  readonly report: WorkloadReport;
}

/**
 * The sidecar's subscription to the control plane, always under its newest identity: facts go to the
 * cache, and trust to the manager of its identity.
 */
export function sidecarLink(options: SidecarLinkOptions): AdsClient {
  const { config, manager, cache, workload, clock, log, stream, lag, reports, report } = options;
  const { controlPlane: address, rootNamespace } = config;
  const { trustDomain } = manager.identity.current.bundle;
  const bundles = new ReceivedBundles({
    trustDomain,
    trust: (bundle, renew) => {
      manager.trust(bundle);
      if (renew !== undefined)
        manager.renewUnlessSignedBy(renew.signer, renew.withinSeconds * 1_000);
    },
    federate: (list) => manager.federate(list),
  });
  return new AdsClient({
    types: [...factTypes, bundleType],
    sink: sinkByType(new Map([[bundleType, bundles]]), cache),
    beforeAck: (type) => (trustTypes.has(type) ? lag.settled() : undefined),
    clock: systemClock,
    connect: () => {
      const identity = manager.identity.current;
      stream.opened(identity);
      const link = controlPlaneLink({
        ...{ address, bundle: identity.bundle, identity, rootNamespace },
      });
      clock.heartbeat.use(link.transport);
      for (const each of reports) each.use(link.transport);
      return link;
    },
    node: () => ({
      id: nodeId(workload.current),
      metadata: report.metadata(workload.current.name),
    }),
    events: {
      rejected: (typeUrl, rejections) => log.warn({ typeUrl, rejections }, 'facts rejected'),
    },
  });
}

/** As the agent calls itself in discovery and heartbeats. */
export function nodeId({ namespace, name }: Workload): string {
  return `${namespace}/${name}`;
}
