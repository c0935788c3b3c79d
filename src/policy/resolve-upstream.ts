import type { Service } from '../resources/kinds/service.ts';
import type { WorkloadEntry } from '../resources/kinds/workload-entry.ts';
import { findService } from './find-service.ts';
import { selects } from './label-selector.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { listed } from './quote.ts';
import { serviceEndpoint, workloadLabels } from './service-endpoint.ts';

/** One workload behind a Service, and how it is to be called. */
export interface Endpoint {
  /** IP address or DNS name. */
  readonly address: string;
  /** Port of the workload, not of the Service. */
  readonly port: number;
  /** SPIFFE ID (`spiffe://…`) that the workload must prove; undefined when it has no account. */
  readonly identity: string | undefined;
  readonly transport:
    | { readonly kind: 'hbone'; readonly port: number }
    | { readonly kind: 'istio-mtls' }
    | { readonly kind: 'plaintext' };
  /** `namespace/name` of its WorkloadEntry. */
  readonly workload: string;
}

const LISTED = 4;

/**
 * The endpoints behind `host:port`, at least one, or why there are none, in a sentence that names
 * what there is nearby. A workload that takes mTLS only and does not speak it is left out: nothing
 * may send it plaintext.
 */
export function resolveUpstream(
  facts: MeshFacts,
  host: string,
  port: number,
  settings: MeshSettings,
): { readonly endpoints: readonly Endpoint[] } | { readonly problem: string } {
  const found = findService(facts.services, host, port);
  if ('problem' in found) return found;
  const selected = workloadsBehind(found.service, facts.workloadEntries);
  if ('problem' in selected) return selected;
  const endpoints: Endpoint[] = [];
  const refusals: string[] = [];
  for (const entry of selected.entries) {
    const endpoint = serviceEndpoint(entry, found.servicePort, facts, settings);
    if ('refused' in endpoint) refusals.push(endpoint.refused);
    else endpoints.push(endpoint);
  }
  return endpoints.length > 0 ? { endpoints } : { problem: listed(refusals, LISTED, '; ') };
}

function workloadsBehind(
  { metadata, spec }: Service,
  all: readonly WorkloadEntry[],
): { readonly entries: readonly WorkloadEntry[] } | { readonly problem: string } {
  const { namespace = '', name } = metadata;
  const wanted = Object.entries(spec.selector ?? {}).map(([key, value]) => `${key}=${value}`);
  if (wanted.length === 0) {
    return { problem: `Service ${namespace}/${name} has no selector, so no workload is behind it` };
  }
  const entries = all.filter(
    (entry) =>
      entry.metadata.namespace === namespace && selects(spec.selector, workloadLabels(entry)),
  );
  if (entries.length > 0) return { entries };
  return {
    problem: `no WorkloadEntry in namespace ${namespace} has the labels of Service ${namespace}/${name}: ${listed(wanted, LISTED, ', ')}`,
  };
}
