import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const OWN = ['cipherSuites', 'minProtocolVersion', 'maxProtocolVersion'] as const;

/** HBK0007: fields of client TLS that are Hauberk's own, which an Istio would refuse or drop. */
export function ownFields(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule): readonly Finding[] => {
    const found = new Set(policiesOf(rule).flatMap(ownFieldsOf));
    const fields = OWN.filter((field) => found.has(field));
    if (fields.length === 0) return [];
    const message = `tls has ${fields.join(', ')}, which is Hauberk's own: an Istio that is given this rule refuses it or drops them`;
    return [{ code: 'HBK0007', resource: rule, message }];
  });
}

function policiesOf({ spec }: DestinationRule): readonly (TrafficPolicy | undefined)[] {
  return [spec.trafficPolicy, ...(spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
}

function ownFieldsOf(policy: TrafficPolicy | undefined): readonly string[] {
  const levels = [policy?.tls, ...(policy?.portLevelSettings ?? []).map(({ tls }) => tls)];
  return levels.flatMap((tls) => Object.keys(tls ?? {}));
}
