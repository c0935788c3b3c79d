import { tlsBlocks } from '../upstream/tls-blocks.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const OWN = ['cipherSuites', 'minProtocolVersion', 'maxProtocolVersion'] as const;

/** HBK0007: fields of client TLS that are Hauberk's own, which an Istio would refuse or drop. */
export function ownFields(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule): readonly Finding[] => {
    const found = new Set(tlsBlocks(rule.spec).flatMap((tls) => Object.keys(tls)));
    const fields = OWN.filter((field) => found.has(field));
    if (fields.length === 0) return [];
    const message = `tls has ${fields.join(', ')}, which is Hauberk's own: an Istio that is given this rule refuses it or drops them`;
    return [{ code: 'HBK0007', resource: rule, message }];
  });
}
