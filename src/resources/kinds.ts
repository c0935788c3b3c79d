import type { KindDefinition } from './kind-definition.ts';
import { KindRegistry } from './kind-registry.ts';
import { authorizationPolicy } from './kinds/authorization-policy.ts';
import { certificateRevocation } from './kinds/certificate-revocation.ts';
import { certificateRevocationList } from './kinds/certificate-revocation-list.ts';
import { federatedTrustDomain } from './kinds/federated-trust-domain.ts';
import { namespace } from './kinds/namespace.ts';
import { peerAuthentication } from './kinds/peer-authentication.ts';
import { secret } from './kinds/secret.ts';
import { service } from './kinds/service.ts';
import { serviceAccount } from './kinds/service-account.ts';
import { trustBundle } from './kinds/trust-bundle.ts';
import { workloadEntry } from './kinds/workload-entry.ts';
import { workloadRegistration } from './kinds/workload-registration.ts';
import type { Resource } from './resource.ts';

/** Every kind that the mesh knows, in the order in which a set of resources is best applied. */
export const kinds: readonly KindDefinition[] = [
  namespace,
  serviceAccount,
  secret,
  service,
  workloadEntry,
  workloadRegistration,
  peerAuthentication,
  authorizationPolicy,
  certificateRevocation,
  certificateRevocationList,
  trustBundle,
  federatedTrustDomain,
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
