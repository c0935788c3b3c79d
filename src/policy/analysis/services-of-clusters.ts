import type { Service } from '../../resources/kinds/service.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

/**
 * IST0170: a Service that is there more than once, as when the manifests of several clusters are given
 * together, and not alike: workloads of one cluster would call those of another on ports that they do not have.
 */
export function servicesOfClusters(mesh: AnalyzedMesh): readonly Finding[] {
  const byName = Map.groupBy(
    mesh.services,
    ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
  );
  return [...byName].flatMap(([name, [first, ...others]]): Finding[] => {
    if (first === undefined) return [];
    const differences = [
      [isHeadless, 'one is headless and another is not'],
      [typeOf, 'their types differ'],
      [portsOf, 'their ports differ'],
    ] as const;
    const found = differences
      .filter(([aspect]) => others.some((other) => aspect(other) !== aspect(first)))
      .map(([, text]) => text);
    if (found.length === 0) return [];
    const message = `the Service ${name} is given ${others.length + 1} times, and not alike: ${found.join(', ')}`;
    return [{ code: 'IST0170', resource: first, message }];
  });
}

function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None';
}

function typeOf({ spec }: Service): string {
  return spec.type ?? 'ClusterIP';
}

function portsOf({ spec }: Service): string {
  const ports = (spec.ports ?? []).map(({ name = '', port, targetPort = port, protocol = 'TCP' }) =>
    JSON.stringify([name, port, targetPort, protocol]),
  );
  return ports.sort().join();
}
