import { MeshError, messageOf } from '../../lib/errors.ts';
import { storedApiVersion } from '../../resources/kind-definition.ts';
import { federatedTrustDomain } from '../../resources/kinds/federated-trust-domain.ts';
import type { Resource } from '../../resources/resource.ts';
import { bundleName } from '../../spiffe/bundle-name.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';

/** Another trust domain as an operator names it. */
export interface FederationOrder {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: string;
  readonly endpointId?: string | undefined;
  /** In the standard's JSON, or its authorities as PEM. */
  readonly bundle?: string | undefined;
}

/**
 * The FederatedTrustDomain that `order` means.
 *
 * @throws {MeshError} ERR_USAGE for the trust domain of the mesh itself and for what is none, ERR_SVID.
 */
export function federationDeclaration(order: FederationOrder, own: string): Resource {
  const { url, profile, endpointId, bundle } = order;
  const trustDomain = federatedDomain(order.trustDomain);
  if (trustDomain.name === own) {
    const words = `"${own}" is the trust domain of this mesh itself; name the other one`;
    throw new MeshError('ERR_USAGE', words);
  }
  return {
    apiVersion: storedApiVersion(federatedTrustDomain),
    kind: federatedTrustDomain.kind,
    metadata: { name: bundleName(trustDomain) },
    spec: {
      trustDomain: trustDomain.name,
      bundleEndpointURL: url,
      bundleEndpointProfile: {
        type: profile,
        ...(endpointId === undefined ? {} : { endpointSPIFFEID: endpointId }),
      },
      ...(bundle === undefined ? {} : { trustDomainBundle: bundleText(trustDomain, bundle) }),
    },
  };
}

/** What the FederatedTrustDomain of a trust domain is called. @throws {MeshError} ERR_USAGE for what is none. */
export function federationName(trustDomain: string): string {
  return bundleName(federatedDomain(trustDomain));
}

function federatedDomain(text: string): TrustDomain {
  try {
    return TrustDomain.parse(text);
  } catch (cause) {
    throw new MeshError('ERR_USAGE', messageOf(cause), { cause });
  }
}

function bundleText(trustDomain: TrustDomain, given: string): string {
  return given.includes('-----BEGIN') ? TrustBundle.parsePem(trustDomain, given).toJwks() : given;
}
