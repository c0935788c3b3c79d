import { suggestion } from '../../resources/nearest.ts';
import type { Resource } from '../../resources/resource.ts';
import { parseIpBlock } from '../ip-block.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const POD = ['Pod'];
const SERVICE = ['Service'];
const SIDECAR = 'sidecar.istio.io';
const TRAFFIC = `traffic.${SIDECAR}`;
const READINESS = `readiness.status.${SIDECAR}`;

/** Istio's annotations, and the kinds that they mean something on; undefined: any. */
const KNOWN: Readonly<Record<string, readonly string[] | undefined>> = {
  'alpha.istio.io/canonical-serviceaccounts': SERVICE,
  'alpha.istio.io/identity': POD,
  'alpha.istio.io/kubernetes-serviceaccounts': SERVICE,
  'ambient.istio.io/bypass-inbound-capture': POD,
  'ambient.istio.io/dns-capture': POD,
  'ambient.istio.io/redirection': POD,
  'ambient.istio.io/waypoint-inbound-binding': ['GatewayClass'],
  'galley.istio.io/analyze-suppress': undefined,
  'gateway.istio.io/controller-version': undefined,
  'gateway.istio.io/managed': ['Gateway'],
  'gateway.istio.io/name-override': ['Gateway'],
  'gateway.istio.io/service-account': ['Gateway'],
  'inject.istio.io/templates': POD,
  'install.operator.istio.io/chart-owner': undefined,
  'install.operator.istio.io/owner-generation': undefined,
  'install.operator.istio.io/version': undefined,
  'istio.io/autoRegistrationGroup': ['WorkloadEntry'],
  'istio.io/connectedAt': ['WorkloadEntry'],
  'istio.io/disconnectedAt': ['WorkloadEntry'],
  'istio.io/dry-run': ['AuthorizationPolicy'],
  'istio.io/reroute-virtual-interfaces': POD,
  'istio.io/rev': undefined,
  'istio.io/workloadController': ['WorkloadEntry'],
  'kubernetes.io/ingress.class': ['Ingress'],
  'networking.istio.io/address-type': ['Gateway'],
  'networking.istio.io/exportTo': SERVICE,
  'networking.istio.io/service-type': ['Gateway'],
  'networking.istio.io/traffic-distribution': ['Service', 'Namespace', 'ServiceEntry'],
  'networking.istio.io/tunnel': ['Pod', 'Service', 'Namespace', 'Deployment'],
  'prometheus.istio.io/merge-metrics': POD,
  'proxy.istio.io/config': POD,
  'proxy.istio.io/overrides': POD,
  'security.istio.io/tlsMode': undefined,
  'topology.istio.io/controlPlaneClusters': ['Namespace'],
  ...Object.fromEntries(
    [
      ...['agentLogLevel', 'bootstrapOverride', 'componentLogLevel', 'controlPlaneAuthPolicy'],
      ...['discoveryAddress', 'enableCoreDump', 'extraStatTags', 'inject', 'interceptionMode'],
      ...['logLevel', 'nativeSidecar', 'proxyCPU', 'proxyCPULimit', 'proxyImage'],
      ...['proxyImageType', 'proxyMemory', 'proxyMemoryLimit', 'rewriteAppHTTPProbers'],
      ...['statsCompression', 'statsEvictionInterval', 'statsHistogramBuckets'],
      ...['statsInclusionPrefixes', 'statsInclusionRegexps', 'statsInclusionSuffixes', 'status'],
      ...['userVolume', 'userVolumeMount'],
    ].map((name) => [`${SIDECAR}/${name}`, POD]),
  ),
  ...Object.fromEntries(
    [
      ...['excludeInboundPorts', 'excludeInterfaces', 'excludeOutboundIPRanges'],
      ...['excludeOutboundPorts', 'includeInboundPorts', 'includeOutboundIPRanges'],
      ...['includeOutboundPorts', 'kubevirtInterfaces'],
    ].map((name) => [`${TRAFFIC}/${name}`, POD]),
  ),
  ...Object.fromEntries(
    ['applicationPorts', 'failureThreshold', 'initialDelaySeconds', 'periodSeconds'].map((name) => [
      `${READINESS}/${name}`,
      POD,
    ]),
  ),
  [`status.${SIDECAR}/port`]: POD,
};

/** Why a value is none of an annotation; undefined where it is one. */
type ValueProblem = (value: string) => string | undefined;

const BOOLEAN = /^(?:true|false|1|0|t|f|T|F|TRUE|FALSE|True|False)$/;
const boolean: ValueProblem = (value) =>
  BOOLEAN.test(value) ? undefined : `"${value}" is not a boolean`;
const whole: ValueProblem = (value) =>
  /^\d{1,9}$/.test(value) ? undefined : `"${value}" is not a whole number`;
const partsOf = (value: string) => value.split(',').map((part) => part.trim());
const isPort = (part: string) => /^\d{1,5}$/.test(part) && Number(part) <= 65_535;
const ports: ValueProblem = (value) => {
  const wrong = value === '' ? undefined : partsOf(value).find((part) => !isPort(part));
  return wrong === undefined ? undefined : `"${wrong}" is not a port`;
};
const portsOrAll: ValueProblem = (value) => (value === '*' ? undefined : ports(value));
const ranges: ValueProblem = (value) => {
  if (value === '' || value === '*') return undefined;
  const wrong = partsOf(value).find((part) => parseIpBlock(part) === undefined);
  return wrong === undefined ? undefined : `"${wrong}" is not a range of addresses`;
};

const VALUES: Readonly<Record<string, ValueProblem>> = {
  'istio.io/dry-run': boolean,
  [`${SIDECAR}/inject`]: boolean,
  [`${SIDECAR}/rewriteAppHTTPProbers`]: boolean,
  [`${SIDECAR}/enableCoreDump`]: boolean,
  'prometheus.istio.io/merge-metrics': boolean,
  [`${SIDECAR}/interceptionMode`]: (value) =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(value)
      ? undefined
      : `"${value}" is not one of REDIRECT, TPROXY, NONE`,
  [`status.${SIDECAR}/port`]: (value) => (isPort(value) ? undefined : `"${value}" is not a port`),
  [`${READINESS}/initialDelaySeconds`]: whole,
  [`${READINESS}/periodSeconds`]: whole,
  [`${READINESS}/failureThreshold`]: whole,
  [`${READINESS}/applicationPorts`]: ports,
  [`${TRAFFIC}/excludeInboundPorts`]: ports,
  [`${TRAFFIC}/excludeOutboundPorts`]: ports,
  [`${TRAFFIC}/includeInboundPorts`]: portsOrAll,
  [`${TRAFFIC}/includeOutboundPorts`]: portsOrAll,
  [`${TRAFFIC}/excludeOutboundIPRanges`]: ranges,
  [`${TRAFFIC}/includeOutboundIPRanges`]: ranges,
};

const ISTIOS = /(?:^|\.)istio\.io\//;

/** IST0107, IST0108, IST0125: annotations that Istio does not have, not there, or not with that value. */
export function annotationsOfIstio(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.resources.flatMap((resource) =>
    Object.entries(resource.metadata.annotations ?? {}).flatMap(([name, value]) => {
      const finding = findingOn(resource, name, value);
      return finding === undefined ? [] : [finding];
    }),
  );
}

function findingOn(resource: Resource, name: string, value: string): Finding | undefined {
  if (!Object.hasOwn(KNOWN, name)) {
    if (!ISTIOS.test(name) || name.startsWith('internal.istio.io/')) return undefined;
    const message = `unknown annotation: ${name}${suggestion(name, Object.keys(KNOWN))}`;
    return { code: 'IST0108', resource, message };
  }
  const kinds = KNOWN[name];
  if (kinds !== undefined && !kinds.includes(resource.kind)) {
    const message = `misplaced annotation: ${name} means something on ${kinds.join(', ')} only`;
    return { code: 'IST0107', resource, message };
  }
  const problem = VALUES[name]?.(value);
  if (problem === undefined) return undefined;
  return { code: 'IST0125', resource, message: `invalid annotation ${name}: ${problem}` };
}
