import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import { authorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { certificateRevocation } from '../../resources/kinds/certificate-revocation.ts';
import { certificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import { configMap } from '../../resources/kinds/config-map.ts';
import { destinationRule } from '../../resources/kinds/destination-rule.ts';
import { fallbackPolicy } from '../../resources/kinds/fallback-policy.ts';
import { istioOperator } from '../../resources/kinds/istio-operator.ts';
import { jsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import { peerAuthentication } from '../../resources/kinds/peer-authentication.ts';
import { requestAuthentication } from '../../resources/kinds/request-authentication.ts';
import { service } from '../../resources/kinds/service.ts';
import { serviceAccount } from '../../resources/kinds/service-account.ts';
import { serviceEntry } from '../../resources/kinds/service-entry.ts';
import { sidecar } from '../../resources/kinds/sidecar.ts';
import { workloadEntry } from '../../resources/kinds/workload-entry.ts';
import { workloadRegistration } from '../../resources/kinds/workload-registration.ts';
import type { Resource } from '../../resources/resource.ts';
import { factTypeUrl } from '../../xds/fact.ts';
import type { HeldResource } from '../../xds/held-resources.ts';

const fields: ReadonlyMap<string, keyof MeshFacts> = new Map([
  [typeUrlOf(peerAuthentication), 'peerAuthentications'],
  [typeUrlOf(authorizationPolicy), 'authorizationPolicies'],
  [typeUrlOf(fallbackPolicy), 'fallbackPolicies'],
  [typeUrlOf(requestAuthentication), 'requestAuthentications'],
  [typeUrlOf(jsonWebKeySet), 'keySets'],
  [typeUrlOf(service), 'services'],
  [typeUrlOf(workloadEntry), 'workloadEntries'],
  [typeUrlOf(serviceEntry), 'serviceEntries'],
  [typeUrlOf(destinationRule), 'destinationRules'],
  [typeUrlOf(sidecar), 'sidecars'],
  [typeUrlOf(istioOperator), 'istioOperators'],
  [typeUrlOf(configMap), 'configMaps'],
  [typeUrlOf(serviceAccount), 'serviceAccounts'],
  [typeUrlOf(certificateRevocation), 'revocations'],
  [typeUrlOf(certificateRevocationList), 'revocationLists'],
  [typeUrlOf(workloadRegistration), 'registrations'],
]);

/** The type URLs that an agent subscribes to: all that MeshFacts are made of. */
export const factTypes: readonly string[] = [...fields.keys()];

/**
 * `facts` with those of one type replaced, ordered by namespace and name. The other arrays, and
 * resources that are the same, keep their identity. Each resource was checked to be of that type.
 */
export function withFacts(
  facts: MeshFacts,
  typeUrl: string,
  held: ReadonlyMap<string, HeldResource<Resource>>,
): MeshFacts {
  const field = fields.get(typeUrl);
  if (field === undefined) return facts;
  const resources = [...held]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { value }]) => value);
  return { ...facts, [field]: resources };
}

function typeUrlOf({ group, versions, kind }: Pick<KindDefinition, 'group' | 'versions' | 'kind'>) {
  return factTypeUrl({ group, version: versions[0], kind });
}
