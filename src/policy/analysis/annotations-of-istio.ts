import { suggestion } from '../../resources/nearest.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const POD = ['Pod'];
const PROXIED = ['Pod', 'Service', 'Namespace', 'Deployment'];

/** Istio's annotations that people write, and the kinds that they mean something on; undefined: any. */
const KNOWN: Readonly<Record<string, readonly string[] | undefined>> = {
  'istio.io/dry-run': ['AuthorizationPolicy'],
  'istio.io/rev': undefined,
  'networking.istio.io/exportTo': ['Service'],
  'networking.istio.io/tunnel': PROXIED,
  'networking.istio.io/traffic-distribution': undefined,
  'networking.istio.io/service-type': ['Gateway'],
  'proxy.istio.io/config': POD,
  'proxy.istio.io/overrides': POD,
  'security.istio.io/tlsMode': undefined,
  'sidecar.istio.io/inject': POD,
  'sidecar.istio.io/status': POD,
  'sidecar.istio.io/logLevel': POD,
  'sidecar.istio.io/proxyImage': POD,
  'sidecar.istio.io/proxyCPU': POD,
  'sidecar.istio.io/proxyMemory': POD,
  'sidecar.istio.io/rewriteAppHTTPProbers': POD,
  'status.sidecar.istio.io/port': POD,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': POD,
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': POD,
  'traffic.sidecar.istio.io/includeInboundPorts': POD,
  'traffic.sidecar.istio.io/excludeInboundPorts': POD,
  'traffic.sidecar.istio.io/includeOutboundPorts': POD,
  'traffic.sidecar.istio.io/excludeOutboundPorts': POD,
  'topology.istio.io/controlPlaneClusters': ['Namespace'],
  'ambient.istio.io/redirection': POD,
  'ambient.istio.io/bypass-inbound-capture': POD,
};
const BOOLEANS = ['istio.io/dry-run', 'sidecar.istio.io/inject'];
const ISTIOS = /(?:^|\.)istio\.io\//;
/** Of Deployments, the Pod's annotations stand in its template. */
const BOOLEAN = /^(?:true|false|1|0|t|f|T|F|TRUE|FALSE|True|False)$/;

/** IST0107, IST0108, IST0125: annotations that Istio does not have, not there, or not with that value. */
export function annotationsOfIstio(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.resources.flatMap((resource) =>
    Object.entries(resource.metadata.annotations ?? {}).flatMap(([name, value]): Finding[] => {
      if (!ISTIOS.test(name) || name.startsWith('internal.istio.io/')) return [];
      if (!Object.hasOwn(KNOWN, name)) {
        const message = `unknown annotation: ${name}${suggestion(name, Object.keys(KNOWN))}`;
        return [{ code: 'IST0108', resource, message }];
      }
      const kinds = KNOWN[name];
      if (kinds !== undefined && !kinds.includes(resource.kind)) {
        const message = `misplaced annotation: ${name} means something on ${kinds.join(', ')} only`;
        return [{ code: 'IST0107', resource, message }];
      }
      if (BOOLEANS.includes(name) && !BOOLEAN.test(value)) {
        const message = `invalid annotation ${name}: "${value}" is not a boolean`;
        return [{ code: 'IST0125', resource, message }];
      }
      return [];
    }),
  );
}
