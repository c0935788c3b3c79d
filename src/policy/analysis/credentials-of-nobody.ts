import { tlsBlocks } from '../upstream/tls-blocks.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

/** HBK0008: rules whose Secret is given to no workload, so that calls by them are refused. */
export function credentialsOfNobody(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule): readonly Finding[] => {
    if (rule.spec.workloadSelector !== undefined) return [];
    const named = tlsBlocks(rule.spec).find(
      ({ mode, credentialName = '' }) =>
        (mode === 'SIMPLE' || mode === 'MUTUAL') &&
        credentialName !== '' &&
        !credentialName.startsWith('configmap://'),
    );
    if (named === undefined) return [];
    const message = `credentialName "${named.credentialName}" counts only in a rule with a workloadSelector, and calls by this one are refused: add one, or name files`;
    return [{ code: 'HBK0008', resource: rule, message }];
  });
}
