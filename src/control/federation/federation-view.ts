import type { FederatedTrustDomain } from '../../resources/kinds/federated-trust-domain.ts';
import { type Certificate, fingerprint } from '../../x509/certificate.ts';
import type { FederatedDomain } from './federated-domain.ts';
import type { Federation } from './federation.ts';

/** One federated trust domain as operators are shown it. Times are in RFC 3339. */
export interface FederationView {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: 'https_web' | 'https_spiffe';
  readonly endpointId: string | undefined;
  /**
   * `fresh`: the last attempt went well. `stale`: what is trusted could not be confirmed. `missing`:
   * there is no bundle yet, so nobody of it is trusted. `refused`: the declaration cannot be followed.
   */
  readonly state: 'fresh' | 'stale' | 'missing' | 'refused';
  readonly bundle:
    | {
        readonly sequence: number;
        readonly refreshIntervalMs: number;
        readonly authorities: readonly AuthorityView[];
      }
    | undefined;
  readonly lastAttempt: string | undefined;
  readonly lastSuccess: string | undefined;
  readonly nextAttempt: string | undefined;
  readonly failures: number;
  readonly lastError: string | undefined;
}

interface AuthorityView {
  readonly subject: string;
  readonly serial: string;
  readonly fingerprint: string;
  readonly notAfter: string;
}

/** All that are declared, ordered by name. */
export function federationViews(
  { domains, refused }: Pick<Federation, 'domains' | 'refused'>,
  declared: readonly FederatedTrustDomain[],
): readonly FederationView[] {
  const kept = new Map(domains.map((domain) => [domain.resource.metadata.name, domain]));
  return declared.map((resource) =>
    view(resource, kept.get(resource.metadata.name), refused.get(resource.metadata.name)),
  );
}

function view(
  { spec }: FederatedTrustDomain,
  domain: FederatedDomain | undefined,
  refusal: string | undefined,
): FederationView {
  const { bundle, record, intervalMs } = domain ?? {};
  return {
    trustDomain: spec.trustDomain,
    url: spec.bundleEndpointURL,
    profile: spec.bundleEndpointProfile.type,
    endpointId: spec.bundleEndpointProfile.endpointSPIFFEID,
    state: stateOf(domain, refusal),
    bundle: bundle && {
      sequence: bundle.sequence,
      refreshIntervalMs: intervalMs ?? 0,
      authorities: bundle.x509Authorities.map(authorityView),
    },
    lastAttempt: iso(record?.lastAttemptMs),
    lastSuccess: iso(record?.lastSuccessMs),
    nextAttempt: iso(record?.nextAttemptMs),
    failures: record?.failures ?? 0,
    lastError: refusal ?? record?.lastError,
  };
}

function stateOf(
  domain: FederatedDomain | undefined,
  refusal: string | undefined,
): FederationView['state'] {
  if (refusal !== undefined) return 'refused';
  if (domain?.bundle === undefined) return 'missing';
  const { failures, lastSuccessMs } = domain.record;
  return failures === 0 && lastSuccessMs !== undefined ? 'fresh' : 'stale';
}

function authorityView(certificate: Certificate): AuthorityView {
  const { subject, serial, notAfterMs } = certificate;
  const notAfter = new Date(notAfterMs).toISOString();
  return { subject, serial, fingerprint: fingerprint(certificate), notAfter };
}

function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
