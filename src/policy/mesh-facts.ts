import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import type { CertificateRevocation } from '../resources/kinds/certificate-revocation.ts';
import type { CertificateRevocationList } from '../resources/kinds/certificate-revocation-list.ts';
import type { ConfigMap } from '../resources/kinds/config-map.ts';
import type { DestinationRule } from '../resources/kinds/destination-rule.ts';
import type { FallbackPolicy } from '../resources/kinds/fallback-policy.ts';
import type { IstioOperator } from '../resources/kinds/istio-operator.ts';
import type { JsonWebKeySet } from '../resources/kinds/json-web-key-set.ts';
import type { PeerAuthentication } from '../resources/kinds/peer-authentication.ts';
import type { RequestAuthentication } from '../resources/kinds/request-authentication.ts';
import type { Service } from '../resources/kinds/service.ts';
import type { ServiceAccount } from '../resources/kinds/service-account.ts';
import type { ServiceEntry } from '../resources/kinds/service-entry.ts';
import type { Sidecar } from '../resources/kinds/sidecar.ts';
import type { WorkloadEntry } from '../resources/kinds/workload-entry.ts';
import type { WorkloadRegistration } from '../resources/kinds/workload-registration.ts';

/** The validated resources that one workload may see: all that its decisions are made of. */
export interface MeshFacts {
  readonly peerAuthentications: readonly PeerAuthentication[];
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  readonly fallbackPolicies: readonly FallbackPolicy[];
  readonly requestAuthentications: readonly RequestAuthentication[];
  /** Keys that the control plane fetched for those. */
  readonly keySets: readonly JsonWebKeySet[];
  readonly services: readonly Service[];
  readonly serviceEntries: readonly ServiceEntry[];
  readonly destinationRules: readonly DestinationRule[];
  readonly sidecars: readonly Sidecar[];
  readonly workloadEntries: readonly WorkloadEntry[];
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly revocations: readonly CertificateRevocation[];
  /** For peers that check them themselves. */
  readonly revocationLists: readonly CertificateRevocationList[];
  readonly registrations: readonly WorkloadRegistration[];
  /** Settings of the mesh; see `meshSettings`. */
  readonly istioOperators: readonly IstioOperator[];
  /** Only those that say something to agents: settings of the mesh, and authorities. */
  readonly configMaps: readonly ConfigMap[];
}

/** A mesh in which nothing is written yet. */
export const noFacts: MeshFacts = Object.freeze({
  peerAuthentications: [],
  authorizationPolicies: [],
  fallbackPolicies: [],
  requestAuthentications: [],
  keySets: [],
  services: [],
  serviceEntries: [],
  destinationRules: [],
  sidecars: [],
  workloadEntries: [],
  serviceAccounts: [],
  revocations: [],
  revocationLists: [],
  registrations: [],
  istioOperators: [],
  configMaps: [],
});
