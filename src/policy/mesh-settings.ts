import { parseGoDuration } from '../resources/go-duration.ts';
import type { ConfigMap } from '../resources/kinds/config-map.ts';
import type { IstioOperator } from '../resources/kinds/istio-operator.ts';
import {
  MESH_CONFIG_MAP,
  type MeshConfig,
  parseMeshConfig,
} from '../resources/mesh-config-text.ts';
import type { MtlsMode } from './effective-peer-authentication.ts';
import type { MeshFacts } from './mesh-facts.ts';
import { oldestFirst } from './oldest-first.ts';

/** TLS versions that the mesh speaks, as Node names them. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Bounds on TLS; what is undefined or empty is left to the proxy's defaults. */
export interface TlsBounds {
  readonly minVersion: TlsVersion | undefined;
  /** For TLS 1.2, by OpenSSL's names, in order of preference. */
  readonly cipherSuites: readonly string[];
  readonly ecdhCurves: readonly string[];
}

/** What holds for the whole mesh and changes the meaning of policies. */
export interface MeshSettings {
  /** The trust domain of this mesh, `cluster.local` unless set. */
  readonly trustDomain: string;
  /** Other trust domains whose identities count as ours in policies. */
  readonly trustDomainAliases: readonly string[];
  /** The namespace whose policies are mesh-wide, `istio-system` unless set. */
  readonly rootNamespace: string;
  /** Whether callers use mutual TLS wherever it is taken and no rule says otherwise. Default true. */
  readonly autoMtls: boolean;
  /** What ports require that no PeerAuthentication speaks of. Default PERMISSIVE. */
  readonly defaultMtlsMode: MtlsMode;
  /** Of mutual TLS on workload ports. */
  readonly meshMtls: TlsBounds;
  /** Of TLS to services that are called by SIMPLE or MUTUAL. */
  readonly tlsDefaults: TlsBounds;
  /** How far paths are normalised before policies see them. Default `DEFAULT`, which is `BASE`. */
  readonly pathNormalization: PathNormalization;
  /** What becomes of calls to unknown services. Default `ALLOW_ANY`. */
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  /** Who decides, logs, counts or traces for the mesh; each a name and a field that says what it is. */
  readonly extensionProviders: NonNullable<MeshConfig['extensionProviders']>;
  /** How many proxies before the peer of a workload are trusted with X-Forwarded-For. Default 0. */
  readonly numTrustedProxies: number;
  /** Where DestinationRules hold that do not say so. Empty: everywhere. */
  readonly defaultDestinationRuleExportTo: readonly string[];
  /** Where Services are known that do not say so. Empty: everywhere. */
  readonly defaultServiceExportTo: readonly string[];
  /** How long connecting may take, in milliseconds; undefined leaves it to the proxy. */
  readonly connectTimeoutMs: number | undefined;
  /** How long the first bytes are waited for, in milliseconds; undefined leaves it to the proxy. */
  readonly protocolDetectionTimeoutMs: number | undefined;
}

export type PathNormalization =
  | 'DEFAULT'
  | 'NONE'
  | 'BASE'
  | 'MERGE_SLASHES'
  | 'DECODE_AND_MERGE_SLASHES';

const UNBOUNDED: TlsBounds = Object.freeze({
  minVersion: undefined,
  cipherSuites: [],
  ecdhCurves: [],
});

/** The settings of a mesh that nobody has written any for. */
export const defaultMeshSettings: MeshSettings = Object.freeze({
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  rootNamespace: 'istio-system',
  autoMtls: true,
  defaultMtlsMode: 'PERMISSIVE',
  meshMtls: UNBOUNDED,
  tlsDefaults: UNBOUNDED,
  pathNormalization: 'DEFAULT',
  outboundTrafficPolicy: 'ALLOW_ANY',
  extensionProviders: [],
  numTrustedProxies: 0,
  defaultDestinationRuleExportTo: [],
  defaultServiceExportTo: [],
  connectTimeoutMs: undefined,
  protocolDetectionTimeoutMs: undefined,
});

/**
 * `base` with what the root namespace has written over it: `meshConfig` and `values.global.mtls` of
 * its oldest IstioOperator, and over those, setting by setting, the ConfigMap `istio`. Trust domain and
 * root namespace stay as they are: a mesh is founded with them. A ConfigMap that cannot be read
 * is left out whole.
 */
export function meshSettings(
  facts: Pick<MeshFacts, 'istioOperators' | 'configMaps'>,
  base: MeshSettings,
): MeshSettings {
  const operator = operatorOf(facts.istioOperators, base.rootNamespace);
  const config: MeshConfig = {
    ...operator?.spec.meshConfig,
    ...configMapOf(facts.configMaps, base.rootNamespace),
  };
  const mtls = operator?.spec.values?.global?.mtls;
  return {
    ...base,
    trustDomainAliases: config.trustDomainAliases ?? base.trustDomainAliases,
    autoMtls: config.enableAutoMtls ?? mtls?.auto ?? base.autoMtls,
    defaultMtlsMode: mtls?.enabled === true ? 'STRICT' : base.defaultMtlsMode,
    meshMtls: tlsBounds(config.meshMTLS, base.meshMtls),
    tlsDefaults: tlsBounds(config.tlsDefaults, base.tlsDefaults),
    pathNormalization: config.pathNormalization?.normalization ?? base.pathNormalization,
    // as Istio reads it: the field without a mode says REGISTRY_ONLY
    outboundTrafficPolicy: config.outboundTrafficPolicy
      ? (config.outboundTrafficPolicy.mode ?? 'REGISTRY_ONLY')
      : base.outboundTrafficPolicy,
    extensionProviders: config.extensionProviders ?? base.extensionProviders,
    numTrustedProxies: trustedProxies(config) ?? base.numTrustedProxies,
    defaultDestinationRuleExportTo:
      config.defaultDestinationRuleExportTo ?? base.defaultDestinationRuleExportTo,
    defaultServiceExportTo: config.defaultServiceExportTo ?? base.defaultServiceExportTo,
    connectTimeoutMs: positiveMs(config.connectTimeout) ?? base.connectTimeoutMs,
    protocolDetectionTimeoutMs:
      positiveMs(config.protocolDetectionTimeout) ?? base.protocolDetectionTimeoutMs,
  };
}

/** The trust domains whose identities are those of this mesh. */
export function ownTrustDomains({
  trustDomain,
  trustDomainAliases,
}: Pick<MeshSettings, 'trustDomain' | 'trustDomainAliases'>): readonly string[] {
  return [...new Set([trustDomain, ...trustDomainAliases])];
}

/** Istio's TLS versions in Node's words; those below 1.2 are not spoken, so they say 1.2. */
export function tlsVersion(word: string | undefined): TlsVersion | undefined {
  switch (word) {
    case 'TLSV1_3':
      return 'TLSv1.3';
    case 'TLSV1_0':
    case 'TLSV1_1':
    case 'TLSV1_2':
      return 'TLSv1.2';
    default:
      return undefined;
  }
}

function operatorOf(
  operators: readonly IstioOperator[],
  rootNamespace: string,
): IstioOperator | undefined {
  return operators
    .filter(({ metadata }) => metadata.namespace === rootNamespace)
    .toSorted(oldestFirst)[0];
}

function configMapOf(configMaps: readonly ConfigMap[], rootNamespace: string): MeshConfig {
  const map = configMaps.find(
    ({ metadata }) =>
      metadata.name === MESH_CONFIG_MAP.name && metadata.namespace === rootNamespace,
  );
  const read = parseMeshConfig(map?.data?.[MESH_CONFIG_MAP.key] ?? '');
  return 'meshConfig' in read ? read.meshConfig : {};
}

function tlsBounds(config: MeshConfig['meshMTLS'], base: TlsBounds): TlsBounds {
  if (config === undefined) return base;
  return {
    minVersion: tlsVersion(config.minProtocolVersion),
    cipherSuites: config.cipherSuites ?? [],
    ecdhCurves: config.ecdhCurves ?? [],
  };
}

/** `defaultConfig.gatewayTopology.numTrustedProxies`. */
function trustedProxies({ defaultConfig }: MeshConfig): number | undefined {
  const topology = defaultConfig?.['gatewayTopology'];
  if (typeof topology !== 'object' || topology === null) return undefined;
  const { numTrustedProxies } = topology as Readonly<Record<string, unknown>>;
  return typeof numTrustedProxies === 'number' &&
    Number.isInteger(numTrustedProxies) &&
    numTrustedProxies >= 0
    ? numTrustedProxies
    : undefined;
}

function positiveMs(text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseGoDuration(text);
  return ms === undefined || ms <= 0 ? undefined : ms;
}
