import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, fullHost, knownUnder, serviceHost } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

type Tls = NonNullable<DestinationRule['spec']['trafficPolicy']>['tls'];

/** IST0128, IST0129: TLS to servers whose certificate is not held against an authority that is named. */
export function uncheckedServers(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule) => {
    const { host, trafficPolicy, workloadSelector } = rule.spec;
    const where = `no caCertificates say who must have signed the server of host ${host}`;
    const unchecked = (tls: Tls): boolean =>
      (tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL') &&
      (tls.caCertificates ?? '') === '' &&
      !((tls.credentialName ?? '') !== '' && workloadSelector !== undefined);
    const found: Finding[] = [];
    if (unchecked(trafficPolicy?.tls)) {
      const message = `tls mode is ${trafficPolicy?.tls?.mode}, and ${where}`;
      found.push({ code: 'IST0128', resource: rule, message });
    }
    for (const { tls, port } of trafficPolicy?.portLevelSettings ?? []) {
      if (!unchecked(tls)) continue;
      const message = `tls mode is ${tls?.mode} at port ${port?.number}, and ${where}`;
      found.push({ code: 'IST0129', resource: rule, message });
    }
    return found;
  });
}

/** IST0174: rules for hosts that nobody knows. IST0173: subsets that select nobody. */
export function rulesForNobody(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.destinationRules.flatMap((rule): Finding[] => {
    const { namespace = '' } = rule.metadata;
    const host = fullHost(rule.spec.host, namespace);
    const known = knownUnder(mesh, host);
    if (known.length === 0 && host !== '*') {
      const message = `the host ${rule.spec.host} is none of a Service or ServiceEntry of the mesh`;
      return [{ code: 'IST0174', resource: rule, message }];
    }
    const service = mesh.services.find(({ metadata }) => serviceHost(metadata) === host);
    const { selector = {} } = service?.spec ?? {};
    if (service === undefined || Object.keys(selector).length === 0) return [];
    return (rule.spec.subsets ?? [])
      .filter(
        ({ labels = {} }) =>
          // where a workload runs is no label of its own
          !Object.keys(labels).some((key) => key.startsWith('topology.')) &&
          !mesh.workloads.some(
            (each) =>
              each.namespace === service.metadata.namespace &&
              selects(selector, each.labels) &&
              selects(labels, each.labels),
          ),
      )
      .map(({ name }): Finding => {
        const message = `the subset ${name} selects no workload of the Service`;
        return { code: 'IST0173', resource: rule, message };
      });
  });
}
