import { annotations } from '../../resources/annotations.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import {
  type EffectiveMode,
  effectivePeerAuthentication,
} from '../effective-peer-authentication.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import { type MeshSettings, ownTrustDomains } from '../mesh-settings.ts';
import { quote } from '../quote.ts';
import { describeClientTlsAuthor, type EffectiveClientTls } from './effective-client-tls.ts';
import type { Endpoint } from './endpoint.ts';
import type { MeshService, MeshServicePort } from './mesh-service.ts';

const TLS_MODE_LABEL = 'security.istio.io/tlsMode';

/** Labels of a workload: those of its spec, and over them those of its metadata. */
export function workloadLabels(entry: WorkloadEntry): Readonly<Record<string, string>> {
  return { ...entry.spec.labels, ...entry.metadata.labels };
}

/** One workload behind a service, and what is asked of it. */
export interface EndpointQuestion {
  readonly entry: WorkloadEntry;
  /** How messages call it: `WorkloadEntry shop/reviews-1`. */
  readonly title: string;
  readonly service: MeshService;
  readonly subset: string | undefined;
  readonly tls: EffectiveClientTls;
  /** Mutual TLS with all endpoints or with none, for callers that choose the endpoint themselves. */
  readonly allMtls: boolean;
  /** SPIFFE IDs of all workloads behind the service, for those whose own is not known. */
  readonly serviceIds: readonly string[];
}

/**
 * How one workload is to be called for a service, or why it is not: without an address, or taking mTLS
 * only where plaintext would be sent.
 */
export function serviceEndpoint(
  question: EndpointQuestion,
  facts: Pick<MeshFacts, 'peerAuthentications'>,
  settings: MeshSettings,
): Endpoint | { readonly refused: string } {
  const { entry, title, service } = question;
  const { address = '', weight = 1 } = entry.spec;
  if (address === '') return { refused: `${title} has no address` };
  if (address.startsWith('unix:')) {
    return { refused: `${title} is the Unix socket ${quote(address)}, which is not called` };
  }
  const port = workloadPort(entry, service.port);
  const identity = identityOf(entry, settings);
  const mode = modeOf(question, port, facts, settings);
  const transport = transportTo(question, mode);
  if ('refused' in transport) return { refused: `${title} ${transport.refused}` };
  return {
    ...{ address, port, identity, transport, weight },
    takesPlaintext: mode?.mode !== 'STRICT',
    expectedIds: expectedIds(question, identity, settings),
    workload: `${entry.metadata.namespace ?? ''}/${entry.metadata.name}`,
  };
}

/** Whether a workload takes mutual TLS of the mesh on a port, and no policy has switched it off there. */
export function takesMtls(
  question: Pick<EndpointQuestion, 'entry' | 'service'>,
  facts: Pick<MeshFacts, 'peerAuthentications'>,
  settings: MeshSettings,
): boolean {
  const port = workloadPort(question.entry, question.service.port);
  return speaksMtls(question.entry) && modeOf(question, port, facts, settings)?.mode !== 'DISABLE';
}

/** SPIFFE ID of a workload in this mesh, or in the federated one that its entry names. */
export function identityOf(
  { metadata, spec }: WorkloadEntry,
  { trustDomain }: Pick<MeshSettings, 'trustDomain'>,
): string | undefined {
  const { serviceAccount = '' } = spec;
  if (serviceAccount === '') return undefined;
  const domain = metadata.annotations?.[annotations.trustDomain] ?? trustDomain;
  return `spiffe://${domain}/ns/${metadata.namespace ?? ''}/sa/${serviceAccount}`;
}

function modeOf(
  { entry, service }: Pick<EndpointQuestion, 'entry' | 'service'>,
  port: number,
  { peerAuthentications }: Pick<MeshFacts, 'peerAuthentications'>,
  settings: MeshSettings,
): EffectiveMode | undefined {
  if (service.isExternal) return undefined;
  const target = { namespace: entry.metadata.namespace ?? '', labels: workloadLabels(entry) };
  return effectivePeerAuthentication(peerAuthentications, target, port, settings);
}

/** The port of a workload on which a port of a service is served. */
export function workloadPort(
  { spec }: Pick<WorkloadEntry, 'spec'>,
  { name, number, targetPort }: Omit<MeshServicePort, 'protocol'>,
): number {
  const named = name === undefined ? undefined : spec.ports?.[name];
  if (typeof targetPort !== 'string') return named ?? targetPort ?? number;
  return named ?? spec.ports?.[targetPort] ?? number;
}

type Transport = Endpoint['transport'] | { readonly refused: string };

function transportTo(question: EndpointQuestion, mode: EffectiveMode | undefined): Transport {
  const { tls, entry, allMtls } = question;
  switch (tls.how) {
    case 'refused':
      return { refused: `is not called: ${describeClientTlsAuthor(tls.by)}: ${tls.reason}` };
    case 'tls':
      return { kind: 'tls', tls: tls.tls };
    case 'istio-mutual':
      return meshMtls(question, tls);
    case 'auto':
      return allMtls && speaksMtls(entry) && mode?.mode !== 'DISABLE'
        ? meshMtls(question, undefined)
        : plaintext(question, mode);
    case 'plaintext':
      return plaintext(question, mode);
  }
}

type Ruled = Extract<EffectiveClientTls, { how: 'istio-mutual' }>;

/** By HBONE where it is offered, unless the rule asks for what HBONE has not: a server name, or TLS 1.2. */
function meshMtls(question: EndpointQuestion, ruled: Ruled | undefined): Transport {
  const { entry, service, subset = '' } = question;
  const wantsOwn = ruled?.sni !== undefined || ruled?.bounds.maxVersion === 'TLSv1.2';
  const hbone = entry.metadata.annotations?.[annotations.hbonePort];
  if (hbone !== undefined && !wantsOwn) {
    return isPort(hbone)
      ? { kind: 'hbone', port: Number(hbone) }
      : {
          refused: `has the annotation ${annotations.hbonePort} ${quote(hbone)}, which is no port`,
        };
  }
  return {
    kind: 'istio-mtls',
    sni: ruled?.sni ?? `outbound_.${service.port.number}_.${subset}_.${service.host}`,
    ...(ruled === undefined ? {} : { bounds: ruled.bounds }),
  };
}

/** Never to a workload of which is known that it takes mTLS only. */
function plaintext({ tls }: EndpointQuestion, mode: EffectiveMode | undefined): Transport {
  if (mode?.mode !== 'STRICT') return { kind: 'plaintext' };
  const { by } = mode;
  const policy = by === undefined ? 'default' : `PeerAuthentication ${by.namespace}/${by.name}`;
  const remedy =
    tls.how === 'auto'
      ? 'does not speak it: set its serviceAccount'
      : `would be sent plaintext by ${describeClientTlsAuthor(tls.by)}: change one of the two`;
  return { refused: `must be called by mTLS (STRICT by ${policy}) and ${remedy}` };
}

function speaksMtls(entry: WorkloadEntry): boolean {
  if (entry.metadata.annotations?.[annotations.hbonePort] !== undefined) return true;
  const { serviceAccount = '' } = entry.spec;
  const label = workloadLabels(entry)[TLS_MODE_LABEL];
  return (label ?? (serviceAccount === '' ? '' : 'istio')) === 'istio';
}

/** Whom the server must prove to be: what the rule names, else this workload, else one of the service. */
function expectedIds(
  { tls, service, serviceIds }: EndpointQuestion,
  identity: string | undefined,
  settings: MeshSettings,
): readonly string[] {
  if (tls.how === 'istio-mutual' && tls.names !== undefined) return tls.names;
  const own = identity === undefined ? serviceIds : [identity];
  const names = [...own, ...service.subjectAltNames];
  return [...new Set(names.flatMap((id) => underAliases(id, settings)))];
}

/** A SPIFFE ID of this mesh under its trust domain and each of the aliases; other names as they are. */
function underAliases(id: string, settings: MeshSettings): readonly string[] {
  const own = `spiffe://${settings.trustDomain}/`;
  if (!id.startsWith(own)) return [id];
  const path = id.slice(own.length);
  return ownTrustDomains(settings).map((domain) => `spiffe://${domain}/${path}`);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
