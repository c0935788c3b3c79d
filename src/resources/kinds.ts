import type { KindDefinition } from './kind-definition.ts';
import { KindRegistry } from './kind-registry.ts';
import { authorizationPolicy } from './kinds/authorization-policy.ts';
import { certificate } from './kinds/certificate.ts';
import { certificateRequest } from './kinds/certificate-request.ts';
import { certificateRevocation } from './kinds/certificate-revocation.ts';
import { certificateRevocationList } from './kinds/certificate-revocation-list.ts';
import { configMap } from './kinds/config-map.ts';
import { deployment } from './kinds/deployment.ts';
import { destinationRule } from './kinds/destination-rule.ts';
import { endpointSlice } from './kinds/endpoint-slice.ts';
import { endpoints } from './kinds/endpoints.ts';
import { event } from './kinds/event.ts';
import { fallbackPolicy } from './kinds/fallback-policy.ts';
import { federatedTrustDomain } from './kinds/federated-trust-domain.ts';
import { gateway } from './kinds/gateway.ts';
import { clusterIssuer, issuer } from './kinds/issuer.ts';
import { istioOperator } from './kinds/istio-operator.ts';
import { jsonWebKeySet } from './kinds/json-web-key-set.ts';
import { podMonitor, serviceMonitor } from './kinds/monitors.ts';
import { namespace } from './kinds/namespace.ts';
import { peerAuthentication } from './kinds/peer-authentication.ts';
import { pod } from './kinds/pod.ts';
import { prometheusRule } from './kinds/prometheus-rule.ts';
import { requestAuthentication } from './kinds/request-authentication.ts';
import { reviews } from './kinds/reviews.ts';
import { clusterRoleBinding, roleBinding } from './kinds/role-bindings.ts';
import { clusterRole, role } from './kinds/roles.ts';
import { secret } from './kinds/secret.ts';
import { service } from './kinds/service.ts';
import { serviceAccount } from './kinds/service-account.ts';
import { serviceEntry } from './kinds/service-entry.ts';
import { sidecar } from './kinds/sidecar.ts';
import { telemetry } from './kinds/telemetry.ts';
import { tokenIssuer } from './kinds/token-issuer.ts';
import { trustBundle } from './kinds/trust-bundle.ts';
import { virtualService } from './kinds/virtual-service.ts';
import { workloadEntry } from './kinds/workload-entry.ts';
import { workloadGroup } from './kinds/workload-group.ts';
import { workloadRegistration } from './kinds/workload-registration.ts';
import type { Resource } from './resource.ts';

/** Every kind that the mesh knows, in the order in which a set of resources is best applied. */
export const kinds: readonly KindDefinition[] = [
  namespace,
  serviceAccount,
  clusterRole,
  role,
  clusterRoleBinding,
  roleBinding,
  secret,
  configMap,
  service,
  endpoints,
  endpointSlice,
  pod,
  deployment,
  event,
  istioOperator,
  workloadEntry,
  workloadGroup,
  workloadRegistration,
  serviceEntry,
  destinationRule,
  gateway,
  virtualService,
  sidecar,
  peerAuthentication,
  requestAuthentication,
  authorizationPolicy,
  fallbackPolicy,
  telemetry,
  clusterIssuer,
  issuer,
  certificate,
  certificateRequest,
  serviceMonitor,
  podMonitor,
  prometheusRule,
  certificateRevocation,
  certificateRevocationList,
  jsonWebKeySet,
  trustBundle,
  federatedTrustDomain,
  tokenIssuer,
  ...reviews,
];

/** The same, to be looked up; nothing is ever added to it. */
export const builtInKinds: KindRegistry = new KindRegistry(kinds);

/** The built-in kind that people mean by `text`; see KindRegistry. */
export function kindNamed(text: string): KindDefinition | undefined {
  return builtInKinds.named(text);
}

/** The built-in kind of a resource, if that kind is served in the resource's group and version. */
export function kindOf(
  resource: Pick<Resource, 'apiVersion' | 'kind'>,
): KindDefinition | undefined {
  return builtInKinds.kindOf(resource);
}
