import { MeshError } from '../lib/errors.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { Attestor } from './attestor.ts';
import type { TokenBearer } from './service-account-tokens.ts';

/** Istio's agents ask for tokens for this audience. */
const CA_AUDIENCE = 'istio-ca';

export interface ServiceAccountAttestorOptions {
  readonly trustDomain: TrustDomain;
  /** @throws {MeshError} ERR_JWT and others when the token is not good for one of the audiences. */
  readonly authenticate: (
    token: string,
    audiences: readonly string[],
  ) => Promise<Pick<TokenBearer, 'namespace' | 'serviceAccount'>>;
}

/**
 * Knows a caller by the token of its service account, as Istio's agents show it. What was wrong with
 * a token is the error's cause, for the audit log; the caller is told nothing, as Istio does.
 */
export function serviceAccountAttestor(options: ServiceAccountAttestorOptions): Attestor {
  const { trustDomain, authenticate } = options;
  return {
    name: 'service-account-token',
    async attest({ bearer }) {
      // The beginning of every JSON object in base64url.
      if (!bearer?.startsWith('eyJ')) return undefined;
      try {
        const { namespace, serviceAccount } = await authenticate(bearer, [CA_AUDIENCE]);
        const id = SpiffeId.forServiceAccount(trustDomain, namespace, serviceAccount);
        return { id, by: 'service-account-token', confirm: async () => undefined };
      } catch (cause) {
        if (!MeshError.is(cause)) throw cause;
        throw new MeshError('ERR_UNAUTHENTICATED', 'request authenticate failure', { cause });
      }
    },
  };
}
