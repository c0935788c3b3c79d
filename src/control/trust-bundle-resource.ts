import { qualifiedKind, storedApiVersion } from '../resources/kind-definition.ts';
import { type TrustBundleResource, trustBundle } from '../resources/kinds/trust-bundle.ts';
import type { Resource, ResourceKey } from '../resources/resource.ts';
import { bundleName } from '../spiffe/bundle-name.ts';
import { TrustBundle } from '../spiffe/trust-bundle.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';

export const TRUST_BUNDLE_KIND = qualifiedKind(trustBundle);

/** Where the bundle of a trust domain is stored. */
export function trustBundleKey(trustDomain: TrustDomain): ResourceKey {
  return { kind: TRUST_BUNDLE_KIND, name: bundleName(trustDomain) };
}

export function trustBundleResource(bundle: TrustBundle): TrustBundleResource {
  return {
    apiVersion: storedApiVersion(trustBundle),
    kind: 'TrustBundle',
    metadata: { name: bundleName(bundle.trustDomain) },
    spec: { trustDomain: bundle.trustDomain.name, document: bundle.toJwks() },
  };
}

/** @throws {MeshError} as TrustBundle.parseJwks does. */
export function readTrustBundle(resource: Resource): TrustBundle {
  const { trustDomain, document } = (resource as TrustBundleResource).spec;
  return TrustBundle.parseJwks(TrustDomain.parse(trustDomain), document);
}
