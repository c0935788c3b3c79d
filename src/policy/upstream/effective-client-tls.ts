import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';
import type { MtlsMode } from '../effective-peer-authentication.ts';
import { type MeshSettings, type TlsVersion, tlsVersion } from '../mesh-settings.ts';
import type { MergedRule } from './destination-rule-lookup.ts';
import type { MeshService } from './mesh-service.ts';
import type { Levelled, RuleLevel } from './traffic-policy.ts';

/** Who decided how a service is spoken to. */
export type ClientTlsAuthor =
  | {
      readonly kind: 'DestinationRule';
      readonly namespace: string;
      readonly name: string;
      readonly level: RuleLevel;
    }
  /** Nobody wrote a rule: mutual TLS wherever it is taken. */
  | { readonly kind: 'auto-mtls' }
  | { readonly kind: 'auto-mtls-off' }
  /** The service is not of the mesh. */
  | { readonly kind: 'external' }
  /** Mutual TLS is off in the namespace of the service, or in the mesh. */
  | { readonly kind: 'PeerAuthentication'; readonly namespace: string; readonly name: string };

/** Versions and cipher suites that are offered; empty or undefined: the defaults. */
export interface ClientTlsBounds {
  readonly minVersion: TlsVersion | undefined;
  readonly maxVersion: TlsVersion | undefined;
  /** For TLS 1.2, by OpenSSL's names. */
  readonly cipherSuites: readonly string[];
  readonly ecdhCurves: readonly string[];
}

/** Files on the workload's own disk, or a Secret or ConfigMap by its reference. */
export type CredentialSource =
  | { readonly from: 'files'; readonly certificate: string; readonly privateKey: string }
  | { readonly from: 'credential'; readonly name: string };

/** Whom to believe that the server is who it says. */
export type ServerAuthorities =
  | { readonly from: 'system' }
  | { readonly from: 'file'; readonly path: string; readonly crl: string | undefined }
  | { readonly from: 'credential'; readonly name: string }
  /** Nobody is asked: `insecureSkipVerify`. */
  | { readonly from: 'nobody' };

/** TLS to a server that need not be of the mesh. */
export interface OriginatedTls {
  /** The certificate to show, with MUTUAL. */
  readonly credential: CredentialSource | undefined;
  readonly authorities: ServerAuthorities;
  /** Of which the server's certificate must have one, exactly; empty with `insecureSkipVerify` only. */
  readonly names: readonly string[];
  readonly sni: string | undefined;
  readonly bounds: ClientTlsBounds;
}

/** How a service is spoken to. */
export type EffectiveClientTls = { readonly by: ClientTlsAuthor } & (
  | { readonly how: 'plaintext' }
  /** Mutual TLS of the mesh with every endpoint that takes it. */
  | { readonly how: 'auto' }
  | {
      readonly how: 'istio-mutual';
      readonly sni: string | undefined;
      /** In place of the identities of the endpoints; undefined: those. */
      readonly names: readonly string[] | undefined;
      readonly bounds: ClientTlsBounds;
    }
  | { readonly how: 'tls'; readonly tls: OriginatedTls }
  /** What is asked for cannot be done; plaintext in its place would betray who asked. */
  | { readonly how: 'refused'; readonly reason: string }
);

/** What is asked about. */
export interface ClientTlsQuestion {
  readonly service: MeshService;
  /** The DestinationRule that holds, and what it says of TLS. */
  readonly rule: MergedRule | undefined;
  readonly tls: Levelled<ClientTls> | undefined;
  /** What the mesh and the namespace of the service say of mutual TLS, workloads left aside. */
  readonly namespaceMode: NamespaceMode;
}

/** The mode of a namespace, and the policy that set it. */
export interface NamespaceMode {
  readonly mode: MtlsMode;
  readonly by: { readonly namespace: string; readonly name: string } | undefined;
}

const CONFIG_MAP = 'configmap://';
const SYSTEM = 'system';

/**
 * How a client is to speak to a service (istio-semantics 1.4, 2.5, 2.6). A rule's `tls` is taken as it
 * is written and PeerAuthentication is not asked; without one, mutual TLS is used with the endpoints
 * that take it, unless the service is outside of the mesh or its namespace has switched it off.
 */
export function effectiveClientTls(
  question: ClientTlsQuestion,
  settings: Pick<MeshSettings, 'autoMtls' | 'tlsDefaults'>,
): EffectiveClientTls {
  const { service, rule, tls, namespaceMode } = question;
  if (rule !== undefined && tls !== undefined) {
    const by: ClientTlsAuthor = {
      ...{ kind: 'DestinationRule', namespace: rule.namespace, name: tls.rule },
      level: tls.level,
    };
    return { ...byRule(tls.value, question, settings), by };
  }
  if (service.isExternal) return { how: 'plaintext', by: { kind: 'external' } };
  if (!settings.autoMtls) return { how: 'plaintext', by: { kind: 'auto-mtls-off' } };
  if (namespaceMode.mode === 'DISABLE') {
    const { namespace, name } = namespaceMode.by ?? { namespace: '', name: '' };
    return { how: 'plaintext', by: { kind: 'PeerAuthentication', namespace, name } };
  }
  return { how: 'auto', by: { kind: 'auto-mtls' } };
}

type Ruled =
  | { readonly how: 'plaintext' }
  | Omit<Extract<EffectiveClientTls, { how: 'istio-mutual' }>, 'by'>
  | Omit<Extract<EffectiveClientTls, { how: 'tls' }>, 'by'>
  | Omit<Extract<EffectiveClientTls, { how: 'refused' }>, 'by'>;

function byRule(
  tls: ClientTls,
  question: ClientTlsQuestion,
  settings: Pick<MeshSettings, 'tlsDefaults'>,
): Ruled {
  switch (tls.mode ?? 'DISABLE') {
    case 'DISABLE':
      return { how: 'plaintext' };
    case 'ISTIO_MUTUAL': {
      const { subjectAltNames = [] } = tls;
      return {
        ...{ how: 'istio-mutual', sni: given(tls.sni) },
        names: subjectAltNames.length > 0 ? subjectAltNames : undefined,
        bounds: boundsOf(tls, undefined),
      };
    }
    case 'SIMPLE':
    case 'MUTUAL':
      return originated(tls, question, settings);
  }
}

function originated(
  tls: ClientTls,
  { service, rule }: ClientTlsQuestion,
  settings: Pick<MeshSettings, 'tlsDefaults'>,
): Ruled {
  const { credentialName = '' } = tls;
  const isForSome = rule?.selector !== undefined || credentialName.startsWith(CONFIG_MAP);
  if (credentialName !== '' && !isForSome) {
    return {
      how: 'refused',
      reason: `credentialName "${credentialName}" counts only in a rule with a workloadSelector; add one, or name files`,
    };
  }
  const credential = credentialOf(tls);
  if (credential === 'missing') {
    return {
      how: 'refused',
      reason: 'mode MUTUAL needs clientCertificate and privateKey, or credentialName',
    };
  }
  const isVerified = tls.insecureSkipVerify !== true;
  const sni = given(tls.sni) ?? nameOf(service);
  return {
    how: 'tls',
    tls: {
      ...{ credential, sni, bounds: boundsOf(tls, settings) },
      authorities: isVerified ? authoritiesOf(tls) : { from: 'nobody' },
      names: isVerified ? namesOf(tls, service, sni) : [],
    },
  };
}

function credentialOf(tls: ClientTls): CredentialSource | undefined | 'missing' {
  if (tls.mode !== 'MUTUAL') return undefined;
  const { credentialName = '', clientCertificate = '', privateKey = '' } = tls;
  if (credentialName !== '') return { from: 'credential', name: credentialName };
  if (clientCertificate === '' || privateKey === '') return 'missing';
  return { from: 'files', certificate: clientCertificate, privateKey };
}

function authoritiesOf(tls: ClientTls): ServerAuthorities {
  const { credentialName = '', caCertificates = '', caCrl } = tls;
  if (credentialName !== '') return { from: 'credential', name: credentialName };
  if (caCertificates === '' || caCertificates === SYSTEM) return { from: 'system' };
  return { from: 'file', path: caCertificates, crl: given(caCrl) };
}

/** The server is always asked for a name: where Istio would ask for none, for the one it is called by. */
function namesOf(
  { subjectAltNames = [] }: ClientTls,
  service: MeshService,
  sni: string | undefined,
): readonly string[] {
  if (subjectAltNames.length > 0) return subjectAltNames;
  if (service.subjectAltNames.length > 0) return service.subjectAltNames;
  return [sni ?? service.host];
}

function nameOf({ host, endpoints }: MeshService): string | undefined {
  const name = endpoints.by === 'host' ? endpoints.host : host;
  // no certificate is asked for by an address, nor by a pattern
  return /^[\d.]+$|:|\*/.test(name) ? undefined : name;
}

function boundsOf(
  tls: ClientTls,
  settings: Pick<MeshSettings, 'tlsDefaults'> | undefined,
): ClientTlsBounds {
  const { cipherSuites = [] } = tls;
  const defaults = settings?.tlsDefaults;
  return {
    minVersion: tlsVersion(tls.minProtocolVersion),
    maxVersion: tlsVersion(tls.maxProtocolVersion),
    // of tlsDefaults clients take suites and curves, and not the version
    cipherSuites: cipherSuites.length > 0 ? cipherSuites : (defaults?.cipherSuites ?? []),
    ecdhCurves: defaults?.ecdhCurves ?? [],
  };
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** Who decided, in words. */
export function describeClientTlsAuthor(by: ClientTlsAuthor): string {
  switch (by.kind) {
    case 'DestinationRule':
      return `DestinationRule ${by.namespace}/${by.name} (${LEVELS[by.level]})`;
    case 'auto-mtls':
      return 'auto mTLS';
    case 'auto-mtls-off':
      return 'the mesh, whose enableAutoMtls is false';
    case 'external':
      return 'the service, which is outside of the mesh';
    case 'PeerAuthentication':
      return `PeerAuthentication ${by.namespace}/${by.name}, which is DISABLE`;
  }
}

const LEVELS: Readonly<Record<RuleLevel, string>> = {
  top: 'trafficPolicy',
  port: 'trafficPolicy.portLevelSettings',
  subset: 'trafficPolicy of the subset',
  'subset-port': 'portLevelSettings of the subset',
};
