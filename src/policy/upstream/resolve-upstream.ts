import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { namespaceMode } from '../effective-peer-authentication.ts';
import { selects } from '../label-selector.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { listed } from '../quote.ts';
import type { Workload } from '../workload.ts';
import { destinationRuleFor, type MergedRule } from './destination-rule-lookup.ts';
import { type EffectiveClientTls, effectiveClientTls } from './effective-client-tls.ts';
import type { Endpoint } from './endpoint.ts';
import { findMeshService, type MeshService } from './mesh-service.ts';
import {
  type EndpointQuestion,
  identityOf,
  serviceEndpoint,
  takesMtls,
  workloadLabels,
} from './service-endpoint.ts';
import { type EffectiveTrafficPolicy, effectiveTrafficPolicy } from './traffic-policy.ts';

export type { Endpoint } from './endpoint.ts';

/** A call that a workload wants to make. */
export interface UpstreamCall {
  readonly host: string;
  /** Port of the service, as callers know it. */
  readonly port: number;
  readonly client: Pick<Workload, 'namespace' | 'labels'>;
  /** A subset that a DestinationRule names; none: all endpoints. */
  readonly subset?: string | undefined;
}

/** Where a call goes, and what holds of it. */
export interface ResolvedUpstream {
  readonly service: MeshService;
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
  /** How they are spoken to, and who decided. */
  readonly tls: EffectiveClientTls;
  readonly traffic: EffectiveTrafficPolicy;
}

const LISTED = 4;
const NO_RULE: EffectiveTrafficPolicy = Object.freeze({
  ...{ tls: undefined, loadBalancer: undefined },
  ...{ connectionPool: undefined, outlierDetection: undefined },
});

/**
 * The endpoints behind `host:port` for a client, at least one, or why there are none, in a sentence
 * that names what there is nearby. A workload that takes mTLS only and would be sent plaintext is left
 * out.
 */
export function resolveUpstream(
  facts: MeshFacts,
  call: UpstreamCall,
  settings: MeshSettings,
): ResolvedUpstream | { readonly problem: string } {
  const { host, port, client, subset } = call;
  const service = findMeshService(facts, { host, port, namespace: client.namespace }, settings);
  if ('problem' in service) return service;
  const rule = destinationRuleFor(
    facts.destinationRules,
    { client, host: service.host, serviceNamespace: service.namespace },
    settings,
  );
  const traffic = rule === undefined ? NO_RULE : effectiveTrafficPolicy(rule, port, subset);
  const selected = workloadsBehind({ service, rule, subset }, facts.workloadEntries);
  if ('problem' in selected) return selected;
  const mode = namespaceMode(facts.peerAuthentications, service.namespace, settings);
  const tls = effectiveClientTls(
    { service, rule, tls: traffic.tls, namespaceMode: mode },
    settings,
  );
  const { entries, title } = selected;
  const asked = entries.map((entry) => ({ entry, service }));
  const shared = {
    ...{ service, tls, subset },
    allMtls:
      !isAllOrNothing(service, traffic) || asked.every((each) => takesMtls(each, facts, settings)),
    serviceIds: entries.flatMap((entry) => identityOf(entry, settings) ?? []),
  };
  const questions = entries.map((entry) => ({ ...shared, entry, title: title(entry) }));
  const endpoints = endpointsFor(questions, facts, settings);
  return 'problem' in endpoints ? endpoints : { service, tls, traffic, ...endpoints };
}

function endpointsFor(
  questions: readonly EndpointQuestion[],
  facts: MeshFacts,
  settings: MeshSettings,
): { readonly endpoints: readonly Endpoint[] } | { readonly problem: string } {
  const endpoints: Endpoint[] = [];
  const refusals: string[] = [];
  for (const question of questions) {
    const endpoint = serviceEndpoint(question, facts, settings);
    if ('refused' in endpoint) refusals.push(endpoint.refused);
    else endpoints.push(endpoint);
  }
  return endpoints.length > 0 ? { endpoints } : { problem: listed(refusals, LISTED, '; ') };
}

/** Callers that choose the endpoint themselves get mTLS with all or with none (istio-semantics 1.4, 5). */
function isAllOrNothing({ isHeadless }: MeshService, { loadBalancer }: EffectiveTrafficPolicy) {
  return isHeadless || loadBalancer?.value.simple === 'PASSTHROUGH';
}

interface Behind {
  readonly entries: readonly WorkloadEntry[];
  readonly title: (entry: WorkloadEntry) => string;
}

function workloadsBehind(
  asked: {
    readonly service: MeshService;
    readonly rule: MergedRule | undefined;
    readonly subset: string | undefined;
  },
  all: readonly WorkloadEntry[],
): Behind | { readonly problem: string } {
  const { service, rule, subset } = asked;
  const behind = inService(service, all);
  if ('problem' in behind || subset === undefined) return behind;
  const labels = rule?.subsets.get(subset)?.subset.labels;
  if (labels === undefined) {
    return { problem: `no DestinationRule has a subset "${subset}" of ${service.host}` };
  }
  const entries = behind.entries.filter((entry) => selects(labels, workloadLabels(entry)));
  if (entries.length > 0) return { ...behind, entries };
  return {
    problem: `no workload of ${service.kind} ${service.namespace}/${service.name} is in the subset "${subset}": ${pairs(labels)}`,
  };
}

function inService(
  service: MeshService,
  all: readonly WorkloadEntry[],
): Behind | { readonly problem: string } {
  const { namespace, name, kind, endpoints } = service;
  switch (endpoints.by) {
    case 'labels':
      return selected(service, endpoints.labels, all);
    case 'list': {
      const entries = endpoints.list.map((spec, index) =>
        entryOf(service, `${name}.${index}`, spec),
      );
      const title = (entry: WorkloadEntry): string =>
        `endpoint ${entries.indexOf(entry)} of ${kind} ${namespace}/${name}`;
      return { entries, title };
    }
    case 'host': {
      if (/\*|^$/.test(endpoints.host)) {
        return {
          problem: `${kind} ${namespace}/${name} does not say where "${endpoints.host}" is`,
        };
      }
      const entry = entryOf(service, name, { address: endpoints.host });
      return { entries: [entry], title: () => `${kind} ${namespace}/${name}` };
    }
  }
}

function selected(
  { kind, namespace, name }: MeshService,
  labels: Readonly<Record<string, string>>,
  all: readonly WorkloadEntry[],
): Behind | { readonly problem: string } {
  const title = ({ metadata }: WorkloadEntry): string =>
    `WorkloadEntry ${metadata.namespace ?? ''}/${metadata.name}`;
  if (Object.keys(labels).length === 0) {
    return {
      problem: `${kind} ${namespace}/${name} has no selector, so no workload is behind it`,
    };
  }
  const entries = all.filter(
    (entry) => entry.metadata.namespace === namespace && selects(labels, workloadLabels(entry)),
  );
  if (entries.length > 0) return { entries, title };
  return {
    problem: `no WorkloadEntry in namespace ${namespace} has the labels of ${kind} ${namespace}/${name}: ${pairs(labels)}`,
  };
}

function pairs(labels: Readonly<Record<string, string>>): string {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return listed(wanted, LISTED, ', ');
}

type EndpointSpec = NonNullable<ServiceEntry['spec']['endpoints']>[number];

/** An endpoint that a service lists, as the WorkloadEntry that it could have been. */
function entryOf({ namespace }: MeshService, name: string, spec: EndpointSpec): WorkloadEntry {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: { name, namespace },
    spec,
  };
}
