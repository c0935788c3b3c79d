import { qualifiedKind, storedApiVersion } from '../../resources/kind-definition.ts';
import { type TrustBundleResource, trustBundle } from '../../resources/kinds/trust-bundle.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import { bundleName } from '../../spiffe/bundle-name.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { factTypeUrl } from '../../xds/fact.ts';

export const TRUST_BUNDLE_KIND = qualifiedKind(trustBundle);

/** Under which agents subscribe to the bundles. */
export const TRUST_BUNDLE_TYPE: string = factTypeUrl({
  ...trustBundle,
  version: trustBundle.versions[0],
});

/** Where the bundle of a trust domain is stored. */
export function trustBundleKey(trustDomain: TrustDomain): ResourceKey {
  return { kind: TRUST_BUNDLE_KIND, name: bundleName(trustDomain) };
}

/** Who signs now, and how soon what others have signed is to be renewed. */
export type Renewal = NonNullable<TrustBundleResource['spec']['renewal']>;

export function trustBundleResource(bundle: TrustBundle, renewal?: Renewal): TrustBundleResource {
  return {
    apiVersion: storedApiVersion(trustBundle),
    kind: 'TrustBundle',
    metadata: { name: bundleName(bundle.trustDomain) },
    spec: {
      trustDomain: bundle.trustDomain.name,
      document: bundle.toJwks(),
      ...(renewal === undefined ? {} : { renewal }),
    },
  };
}

/** @throws {MeshError} as TrustBundle.parseJwks does. */
export function readTrustBundle(resource: Resource): TrustBundle {
  const { trustDomain, document } = (resource as TrustBundleResource).spec;
  return TrustBundle.parseJwks(TrustDomain.parse(trustDomain), document);
}
