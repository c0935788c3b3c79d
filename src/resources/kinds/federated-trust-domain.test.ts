import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { validateResource } from '../validate-resource.ts';

const PARTNER = 'partner.example';
const { bundle } = testAuthority({ trustDomain: PARTNER });
const WEB = {
  trustDomain: PARTNER,
  bundleEndpointURL: 'https://bundle.partner.example/',
  bundleEndpointProfile: { type: 'https_web' },
};
const SPIFFE = {
  ...WEB,
  bundleEndpointProfile: {
    type: 'https_spiffe',
    endpointSPIFFEID: `spiffe://${PARTNER}/ns/istio-system/sa/hauberk`,
  },
  trustDomainBundle: bundle.toJwks(),
};

function problems(spec: object, name = PARTNER): readonly string[] {
  const validation = validateResource({
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'FederatedTrustDomain',
    ...{ metadata: { name }, spec },
  });
  if (!('problems' in validation)) return [];
  return validation.problems.map(({ field, message }) => `${field}: ${message}`);
}

describe('a FederatedTrustDomain', () => {
  it.each([
    ['https_web', WEB],
    ['https_spiffe', SPIFFE],
    [
      'an endpoint of a third trust domain, whose bundle comes from elsewhere',
      {
        ...WEB,
        bundleEndpointProfile: { type: 'https_spiffe', endpointSPIFFEID: 'spiffe://hub.example/b' },
      },
    ],
  ])('may be of the profile %s', (_, spec) => {
    expect(problems(spec)).toEqual([]);
  });

  it.each([
    ['http', { ...WEB, bundleEndpointURL: 'http://x.example/' }, /must begin with https/],
    ['a password', { ...WEB, bundleEndpointURL: 'https://a:b@x.example/' }, /user or password/],
    ['no profile', { ...WEB, bundleEndpointProfile: {} }, /bundleEndpointProfile.type/],
    ['another profile', { ...WEB, bundleEndpointProfile: { type: 'https' } }, /https_web/],
    [
      'an ID with https_web',
      { ...WEB, bundleEndpointProfile: { ...SPIFFE.bundleEndpointProfile, type: 'https_web' } },
      /belongs to https_spiffe/,
    ],
    [
      'no ID with https_spiffe',
      { ...SPIFFE, bundleEndpointProfile: { type: 'https_spiffe' } },
      /who must answer/,
    ],
    [
      'an ID without a path',
      {
        ...SPIFFE,
        bundleEndpointProfile: { type: 'https_spiffe', endpointSPIFFEID: `spiffe://${PARTNER}` },
      },
      /must have a path/,
    ],
    [
      'nothing to begin with',
      { ...SPIFFE, trustDomainBundle: undefined },
      /first bundle must come/,
    ],
    ['a bundle that is none', { ...SPIFFE, trustDomainBundle: '{}' }, /no array "keys"/],
    ['an ID as trust domain', { ...WEB, trustDomain: `spiffe://${PARTNER}` }, /bare name/],
    ['a bad trust domain', { ...WEB, trustDomain: 'Partner' }, /lower case/],
  ])('is refused with %s', (_, spec, message) => {
    expect(problems(spec).join('\n')).toMatch(message);
  });

  it('is named after its trust domain, so that there is one of each', () => {
    expect(problems(WEB, 'other')).toEqual([
      'metadata.name: must be "partner.example", after the trust domain',
    ]);
  });
});
