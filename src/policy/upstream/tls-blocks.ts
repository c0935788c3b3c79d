import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { ClientTls, TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';

/** Everything that a DestinationRule says of TLS: for the whole host, for ports, for subsets and their ports. */
export function tlsBlocks({
  trafficPolicy,
  subsets = [],
}: DestinationRule['spec']): readonly ClientTls[] {
  const policies = [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)];
  return policies.flatMap((policy) => [policy?.tls, ...portBlocks(policy)]).filter(isGiven);
}

function portBlocks(policy: TrafficPolicy | undefined): readonly (ClientTls | undefined)[] {
  return (policy?.portLevelSettings ?? []).map(({ tls }) => tls);
}

function isGiven(tls: ClientTls | undefined): tls is ClientTls {
  return tls !== undefined;
}
