import type { TrustedIssuer } from '../../attestation/foreign-issuers.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import { type TokenIssuer, tokenIssuer } from '../../resources/kinds/token-issuer.ts';
import type { Store } from '../../store/store.ts';

/** The issuers that people have declared as TokenIssuers, as of now. */
export async function trustedIssuers(
  store: Pick<Store, 'list'>,
): Promise<readonly TrustedIssuer[]> {
  const { items } = await store.list(qualifiedKind(tokenIssuer));
  return (items as readonly TokenIssuer[]).map(({ spec }) => ({
    issuer: spec.issuer,
    jwksUri: spec.jwksURI,
    roots: spec.caBundle,
    audiences: spec.audiences,
    identities: spec.identities,
  }));
}
