import { algorithmsOf } from '../../lib/compact-jws.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { JwtAuthority } from '../../spiffe/jwt-authority.ts';

export interface OidcOptions {
  /** The `iss` of all tokens. */
  readonly issuer: string;
  /** Where verifiers find the keys; an https URL. */
  readonly jwksUri: string;
  readonly authorities: Watchable<readonly JwtAuthority[]>;
}

export interface OidcDocument {
  readonly contentType: string;
  readonly body: string;
  /** Seconds for which a verifier may keep it; keys are published days before they sign. */
  readonly maxAgeS: number;
}

export const JWKS_PATH = '/openid/v1/jwks';
const DISCOVERY_PATH = '/.well-known/openid-configuration';
const MAX_AGE_S = 3_600;

/**
 * OpenID Connect discovery of the tokens' issuer, at Kubernetes' paths: by it programs that know
 * nothing of the mesh verify its tokens. Undefined for other paths. Everything in it is public.
 */
export function oidcDocuments(options: OidcOptions): (path: string) => OidcDocument | undefined {
  const { issuer, jwksUri, authorities } = options;
  const document = (contentType: string, value: object): OidcDocument => ({
    ...{ contentType, body: JSON.stringify(value), maxAgeS: MAX_AGE_S },
  });
  return (path) => {
    const keys = authorities.current;
    switch (path) {
      case DISCOVERY_PATH:
        return document('application/json', {
          issuer,
          jwks_uri: jwksUri,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: [...new Set(keys.map(algorithmOf))],
        });
      case JWKS_PATH:
        return document('application/jwk-set+json', {
          keys: keys.map((key) => ({
            ...{ use: 'sig', kid: key.keyId, alg: algorithmOf(key) },
            ...key.publicKey.export({ format: 'jwk' }),
          })),
        });
      default:
        return undefined;
    }
  };
}

function algorithmOf({ publicKey }: JwtAuthority): string {
  return algorithmsOf(publicKey)[0] ?? '';
}
