import { annotations } from '../resources/annotations.ts';
import type { WorkloadEntry } from '../resources/kinds/workload-entry.ts';
import { effectivePeerAuthentication } from './effective-peer-authentication.ts';
import type { ServicePort } from './find-service.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { quote } from './quote.ts';
import type { Endpoint } from './resolve-upstream.ts';

const TLS_MODE_LABEL = 'security.istio.io/tlsMode';

/** Labels of a workload: those of its spec, and over them those of its metadata. */
export function workloadLabels(entry: WorkloadEntry): Readonly<Record<string, string>> {
  return { ...entry.spec.labels, ...entry.metadata.labels };
}

/**
 * How one workload is to be called on one port of a Service, or why it is not: without an address,
 * or taking mTLS only without an identity of its own.
 */
export function serviceEndpoint(
  entry: WorkloadEntry,
  servicePort: ServicePort,
  facts: Pick<MeshFacts, 'peerAuthentications'>,
  settings: MeshSettings,
): Endpoint | { readonly refused: string } {
  const { namespace = '', name } = entry.metadata;
  const { address = '', serviceAccount = '' } = entry.spec;
  const workload = `${namespace}/${name}`;
  if (address === '') return { refused: `WorkloadEntry ${workload} has no address` };
  const port = workloadPort(entry, servicePort);
  const identity =
    serviceAccount === ''
      ? undefined
      : `spiffe://${trustDomainOf(entry, settings)}/ns/${namespace}/sa/${serviceAccount}`;
  const transport = transportTo(entry, port, facts, settings);
  if ('refused' in transport) {
    return { refused: `WorkloadEntry ${workload} ${transport.refused}` };
  }
  return { address, port, identity, transport, workload };
}

/** Of the workload's identity: this mesh's, unless the entry names a federated one. */
function trustDomainOf({ metadata }: WorkloadEntry, { trustDomain }: MeshSettings): string {
  return metadata.annotations?.[annotations.trustDomain] ?? trustDomain;
}

/** The port of a workload on which a port of a Service is served. */
export function workloadPort(
  { spec }: WorkloadEntry,
  { name, port, targetPort }: ServicePort,
): number {
  const named = name === undefined ? undefined : spec.ports?.[name];
  if (typeof targetPort !== 'string') return named ?? targetPort ?? port;
  return named ?? spec.ports?.[targetPort] ?? port;
}

function transportTo(
  entry: WorkloadEntry,
  port: number,
  facts: Pick<MeshFacts, 'peerAuthentications'>,
  settings: MeshSettings,
): Endpoint['transport'] | { readonly refused: string } {
  const hbone = entry.metadata.annotations?.[annotations.hbonePort];
  if (hbone !== undefined) {
    return isPort(hbone)
      ? { kind: 'hbone', port: Number(hbone) }
      : {
          refused: `has the annotation ${annotations.hbonePort} ${quote(hbone)}, which is no port`,
        };
  }
  const labels = workloadLabels(entry);
  const target = { namespace: entry.metadata.namespace ?? '', labels };
  const { mode, by } = effectivePeerAuthentication(
    facts.peerAuthentications,
    target,
    port,
    settings,
  );
  const speaksMtls =
    (labels[TLS_MODE_LABEL] ?? ((entry.spec.serviceAccount ?? '') === '' ? '' : 'istio')) ===
    'istio';
  if (speaksMtls && mode !== 'DISABLE') return { kind: 'istio-mtls' };
  if (mode !== 'STRICT') return { kind: 'plaintext' };
  const policy = by === undefined ? 'default' : `PeerAuthentication ${by.namespace}/${by.name}`;
  return {
    refused: `must be called by mTLS (STRICT by ${policy}) and does not speak it: set its serviceAccount`,
  };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
