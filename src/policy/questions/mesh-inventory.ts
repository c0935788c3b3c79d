import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import type { ConfigMap } from '../../resources/kinds/config-map.ts';
import type { Deployment } from '../../resources/kinds/deployment.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { IstioOperator } from '../../resources/kinds/istio-operator.ts';
import type { PeerAuthentication } from '../../resources/kinds/peer-authentication.ts';
import type { Pod } from '../../resources/kinds/pod.ts';
import type { RequestAuthentication } from '../../resources/kinds/request-authentication.ts';
import type { Service } from '../../resources/kinds/service.ts';
import type { ServiceAccount } from '../../resources/kinds/service-account.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { defaultMeshSettings, type MeshSettings, meshSettings } from '../mesh-settings.ts';
import { type InventoryWorkload, inventoryWorkloads } from './inventory-workloads.ts';

/** A whole mesh as its tools see it: what people wrote, and the workloads that there are. */
export interface MeshInventory {
  readonly resources: readonly Resource[];
  readonly settings: MeshSettings;
  readonly workloads: readonly InventoryWorkload[];
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  readonly peerAuthentications: readonly PeerAuthentication[];
  readonly requestAuthentications: readonly RequestAuthentication[];
  readonly destinationRules: readonly DestinationRule[];
  readonly services: readonly Service[];
  readonly serviceEntries: readonly ServiceEntry[];
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly workloadEntries: readonly WorkloadEntry[];
}

/** The inventory of validated resources. `founded` is what a mesh has been founded with. */
export function meshInventory(
  resources: readonly Resource[],
  founded: Partial<Pick<MeshSettings, 'trustDomain' | 'rootNamespace'>> = {},
): MeshInventory {
  const byKind = Map.groupBy(resources, (resource) => keyOf(resource).kind);
  // each resource was validated by the definition of its kind
  const of = <T>(kind: string): readonly T[] => (byKind.get(kind) ?? []) as unknown as readonly T[];
  const istioOperators = of<IstioOperator>('IstioOperator.install.istio.io');
  const { trustDomain } = istioOperators[0]?.spec.meshConfig ?? {};
  const base = {
    ...defaultMeshSettings,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...founded,
  };
  const lists = {
    services: of<Service>('Service'),
    serviceAccounts: of<ServiceAccount>('ServiceAccount'),
    workloadEntries: of<WorkloadEntry>('WorkloadEntry.networking.istio.io'),
  };
  return {
    resources,
    settings: meshSettings({ istioOperators, configMaps: of<ConfigMap>('ConfigMap') }, base),
    workloads: inventoryWorkloads({
      ...lists,
      pods: of<Pod>('Pod'),
      deployments: of<Deployment>('Deployment.apps'),
    }),
    authorizationPolicies: of('AuthorizationPolicy.security.istio.io'),
    peerAuthentications: of('PeerAuthentication.security.istio.io'),
    requestAuthentications: of('RequestAuthentication.security.istio.io'),
    destinationRules: of('DestinationRule.networking.istio.io'),
    serviceEntries: of('ServiceEntry.networking.istio.io'),
    ...lists,
  };
}
