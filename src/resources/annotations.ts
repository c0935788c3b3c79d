/**
 * The annotations that Hauberk itself reads. `networking.istio.io/*` and `istio.io/*` ones keep
 * Istio's meaning and stand beside the kinds that take them.
 */
export const annotations = {
  /** On a ServiceAccount: the longest lifetime of its SVIDs, such as `10s` or `1h`. */
  svidLifetime: 'security.hauberk.dev/svid-lifetime',
  /** On a WorkloadEntry: the port on which the workload's sidecar takes HBONE. */
  hbonePort: 'networking.hauberk.dev/hbone-port',
  /** On a WorkloadEntry: made and kept up to date by the control plane for a connected agent. */
  registered: 'networking.hauberk.dev/registered',
  /** On a WorkloadEntry: the trust domain of the workload's identity, when that is another one. */
  trustDomain: 'security.hauberk.dev/trust-domain',
  /** On a TrustBundle of another trust domain: the declaration for which it was fetched. */
  federatedFor: 'security.hauberk.dev/federated-for',
  /** On a CertificateRevocationList that a plug-in CA brought, not the mesh signed. */
  givenList: 'security.hauberk.dev/given-list',
} as const;
