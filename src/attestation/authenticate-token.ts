import { MeshError } from '../lib/errors.ts';
import type { ServiceAccountTokens, TokenBearer } from './service-account-tokens.ts';

/** What Kubernetes' TokenReview says of a token. */
export type TokenReviewStatus =
  | {
      readonly authenticated: true;
      readonly user: TokenUser;
      /** Of the audiences asked for, those that the token is for. */
      readonly audiences: readonly string[];
    }
  | { readonly authenticated: false; readonly error: string };

export interface TokenUser {
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Who shows this token to one of `audiences`. Rejects only when it could not find out. */
export type AuthenticateToken = (
  token: string,
  audiences: readonly string[],
) => Promise<TokenReviewStatus>;

/** Answers for tokens that this mesh issued itself. No audience means the API's, which is the issuer. */
export function tokenReviews(tokens: ServiceAccountTokens): AuthenticateToken {
  return async (token, audiences) => {
    const wanted = audiences.length === 0 ? [tokens.issuer] : audiences;
    try {
      const bearer = await tokens.authenticate(token, wanted);
      return { authenticated: true, user: userOf(bearer), audiences: bearer.audiences };
    } catch (error) {
      if (!MeshError.is(error, 'ERR_JWT')) throw error;
      return { authenticated: false, error: error.message };
    }
  };
}

function userOf({ namespace, serviceAccount, uid, tokenId, bound }: TokenBearer): TokenUser {
  return {
    username: `system:serviceaccount:${namespace}:${serviceAccount}`,
    uid,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
    extra: {
      ...(tokenId === undefined
        ? {}
        : { 'authentication.kubernetes.io/credential-id': [`JTI=${tokenId}`] }),
      ...(bound?.kind === 'Pod'
        ? {
            'authentication.kubernetes.io/pod-name': [bound.name],
            'authentication.kubernetes.io/pod-uid': [bound.uid],
          }
        : {}),
    },
  };
}
