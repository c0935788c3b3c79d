import { Type } from 'typebox';
import { MeshError } from '../../lib/errors.ts';
import { bundleEndpointUrl } from '../../spiffe/bundle-endpoint-url.ts';
import { bundleName } from '../../spiffe/bundle-name.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed, oneOf, status } from '../schema.ts';

const LONGEST_TRUST_DOMAIN = 255;
const LONGEST_URL = 2_048;
const LARGEST_BUNDLE = 1024 * 1024;

const schema = Type.Object(
  {
    spec: closed(
      {
        trustDomain: Type.String({
          maxLength: LONGEST_TRUST_DOMAIN,
          description: 'The other trust domain. It is never inferred from the URL.',
        }),
        bundleEndpointURL: Type.String({
          maxLength: LONGEST_URL,
          description: 'Where its bundle is served, with https.',
        }),
        bundleEndpointProfile: closed(
          {
            type: oneOf(
              ['https_web', 'https_spiffe'],
              'How the endpoint is authenticated: as web sites are, or by its SPIFFE ID.',
            ),
            endpointSPIFFEID: Type.Optional(
              Type.String({
                maxLength: LONGEST_URL,
                description: 'With https_spiffe: who must answer at the URL.',
              }),
            ),
          },
          'One profile, never tried one after the other.',
        ),
        trustDomainBundle: Type.Optional(
          Type.String({
            maxLength: LARGEST_BUNDLE,
            description:
              'The SPIFFE bundle (JSON) that it is trusted by until a newer one was fetched; needed with https_spiffe where the endpoint is of the same trust domain.',
          }),
        ),
      },
      'Another trust domain, and how its bundle is kept up to date.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** Another trust domain whose workloads are believed, each by the bundle of that domain alone. */
export type FederatedTrustDomain = ResourceOf<'FederatedTrustDomain', typeof schema>;

/** With the spec of SPIRE's ClusterFederatedTrustDomain. */
export const federatedTrustDomain: KindDefinition<FederatedTrustDomain> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'FederatedTrustDomain',
  plural: 'federatedtrustdomains',
  singular: 'federatedtrustdomain',
  shortNames: ['ftd'],
  categories: [],
  namespaced: false,
  description:
    'Another trust domain whose identities are believed here. The control plane keeps its bundle up to date from the bundle endpoint, and every agent is sent it. One-way: the other side must add this one too.',
  schema,
  validate: checkFederatedTrustDomain,
  columns: [
    { name: 'Trust Domain', type: 'string', jsonPath: '.spec.trustDomain' },
    { name: 'Profile', type: 'string', jsonPath: '.spec.bundleEndpointProfile.type' },
    { name: 'Endpoint', type: 'string', jsonPath: '.spec.bundleEndpointURL' },
  ],
  visibility: 'never',
  confidential: false,
};

function checkFederatedTrustDomain({ metadata, spec }: FederatedTrustDomain, report: Report): void {
  const attempt = <T>(field: string, parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      report(field, error.message);
      return undefined;
    }
  };
  const trustDomain = attempt('spec.trustDomain', () => TrustDomain.parse(spec.trustDomain));
  if (spec.trustDomain.startsWith('spiffe://')) {
    report('spec.trustDomain', 'must be the bare name, without "spiffe://"');
  } else if (trustDomain !== undefined && metadata.name !== bundleName(trustDomain)) {
    // So that there is never more than one of a trust domain.
    report('metadata.name', `must be "${bundleName(trustDomain)}", after the trust domain`);
  }
  attempt('spec.bundleEndpointURL', () => bundleEndpointUrl(spec.bundleEndpointURL));
  const { trustDomainBundle: bundle } = spec;
  if (trustDomain !== undefined && bundle !== undefined) {
    attempt('spec.trustDomainBundle', () => TrustBundle.parseJwks(trustDomain, bundle));
  }
  checkProfile(spec, report);
}

function checkProfile(
  { trustDomain, bundleEndpointProfile, trustDomainBundle }: FederatedTrustDomain['spec'],
  report: Report,
): void {
  const { type, endpointSPIFFEID } = bundleEndpointProfile;
  const field = 'spec.bundleEndpointProfile.endpointSPIFFEID';
  if (type === 'https_web') {
    if (endpointSPIFFEID !== undefined) {
      report(field, 'belongs to https_spiffe; https_web is checked by the host name of the URL');
    }
    return;
  }
  if (endpointSPIFFEID === undefined) {
    report(field, 'is required with https_spiffe: who must answer at the URL');
    return;
  }
  try {
    const id = SpiffeId.parse(endpointSPIFFEID);
    if (id.path === '') report(field, 'must have a path: a server is a workload');
    if (id.trustDomain.name === trustDomain && trustDomainBundle === undefined) {
      report(
        'spec.trustDomainBundle',
        'is required: the endpoint is of the trust domain itself, so its first bundle must come another way',
      );
    }
  } catch (error) {
    if (!MeshError.is(error)) throw error;
    report(field, error.message);
  }
}
