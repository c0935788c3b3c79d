import type { Resource } from '../../resources/resource.ts';
import { globMatch } from '../authorization/wildcard-match.ts';
import { type AnalyzedMesh, labelText, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';

/** IST0127: AuthorizationPolicies that are attached to nobody. */
export function policiesOfNobody(mesh: AnalyzedMesh): readonly Finding[] {
  const { rootNamespace } = mesh.settings;
  return mesh.authorizationPolicies.flatMap((policy): Finding[] => {
    const { namespace = '' } = policy.metadata;
    const { selector, targetRef, targetRefs = [] } = policy.spec;
    if (targetRef !== undefined || targetRefs.length > 0) return [];
    const labels = selector?.matchLabels ?? {};
    const isRoot = namespace === rootNamespace;
    if (isRoot && Object.keys(labels).length === 0) return [];
    const selected = selectedWorkloads(mesh, labels, isRoot ? undefined : namespace);
    if (selected.some(({ inMesh }) => inMesh)) return [];
    const where = isRoot ? 'the mesh' : `the namespace ${namespace}`;
    const message = `no workload of ${where} has the labels ${labelText(labels)}, so the policy is for nobody`;
    return [{ code: 'IST0127', resource: policy, message }];
  });
}

/**
 * IST0101: namespaces of callers that do not exist. Those that have anything in them do, whether or not
 * their Namespaces are given.
 */
export function callersFromNowhere(mesh: AnalyzedMesh): readonly Finding[] {
  const names = [
    ...mesh.namespaces.map(({ metadata }) => metadata.name),
    ...mesh.resources.map(({ metadata }) => metadata.namespace ?? ''),
    mesh.settings.rootNamespace,
  ];
  const known = [...new Set(names.filter((name) => name !== '').map((name) => name.toLowerCase()))];
  return mesh.authorizationPolicies.flatMap((policy) => {
    const sources = (policy.spec.rules ?? []).flatMap(({ from = [] }) => from);
    const named = sources.flatMap(({ source = {} }) => [
      ...(source.namespaces ?? []),
      ...(source.notNamespaces ?? []),
    ]);
    return named
      .filter((name) => !known.some(globMatch(name.toLowerCase())))
      .map((name): Finding => {
        const message = `referenced namespace not found: "${name}"`;
        return { code: 'IST0101', resource: policy, message };
      });
  });
}

type Selecting = Pick<Resource, 'kind' | 'metadata'> & { readonly spec?: unknown };

interface SelectingSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly targetRef?: unknown;
  readonly targetRefs?: readonly unknown[];
}

/** IST0166: selectors that pick gateways of the Gateway API, for which targetRefs are. */
export function selectorsOfGateways(mesh: AnalyzedMesh): readonly Finding[] {
  const gateways = mesh.workloads.filter(({ labels }) => labels[GATEWAY_NAME] !== undefined);
  if (gateways.length === 0) return [];
  const policies: readonly Selecting[] = [
    ...mesh.authorizationPolicies,
    ...mesh.requestAuthentications,
    ...mesh.telemetries,
    // a kind of Istio's that nobody here validates
    ...mesh.resources.filter(({ kind }) => kind === 'WasmPlugin'),
  ];
  return policies.flatMap((policy) => {
    const { namespace = '' } = policy.metadata;
    const { selector, targetRef, targetRefs = [] } = (policy.spec ?? {}) as SelectingSpec;
    const labels = selector?.matchLabels ?? {};
    if (targetRef !== undefined || targetRefs.length > 0) return [];
    if (Object.keys(labels).length === 0) return [];
    const isRoot = namespace === mesh.settings.rootNamespace;
    const names = selectedWorkloads({ ...mesh, workloads: gateways }, labels, undefined)
      .filter((each) => isRoot || each.namespace === namespace)
      .map((each) => each.labels[GATEWAY_NAME] ?? '');
    return [...new Set(names)].map((name): Finding => {
      const message = `the selector picks the gateway ${name}; name it in targetRefs instead`;
      return { code: 'IST0166', resource: policy, message };
    });
  });
}
