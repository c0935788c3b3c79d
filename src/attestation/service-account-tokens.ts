import type { Clock } from '../lib/clock.ts';
import { type CompactJws, isJwsSignedBy, parseCompactJws, signJws } from '../lib/compact-jws.ts';
import { formatDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';
import { checkRegisteredClaims } from '../lib/registered-claims.ts';
import type { Watchable } from '../lib/watchable.ts';
import { checkAudiences } from '../spiffe/check-audiences.ts';
import type { JwtAuthority } from '../spiffe/jwt-authority.ts';

/** Signs tokens, and knows by which keys they are believed. */
export interface TokenSigner {
  readonly authorities: Watchable<readonly JwtAuthority[]>;
  signingKey(
    expiresAtMs: number,
  ): Promise<{ readonly keyId: string; readonly privateKey: JwtAuthority['publicKey'] }>;
}

export interface ServiceAccountTokensOptions {
  /** The `iss` of all tokens; an https URL without a slash at the end. */
  readonly issuer: string;
  readonly signer: TokenSigner;
  /** The uid of a service account, undefined when there is none of that name. */
  readonly uidOf: (namespace: string, name: string) => Promise<string | undefined>;
  /** The uid of an object that tokens are bound to, undefined when there is none of that name. */
  readonly boundUidOf?: (
    namespace: string,
    bound: Pick<TokenBinding, 'kind' | 'name'>,
  ) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly newTokenId: () => string;
}

/** An object of the account's namespace without which a token is void. */
export interface TokenBinding {
  readonly kind: 'Pod' | 'Secret';
  readonly name: string;
  readonly uid: string;
}

export interface TokenOrder {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Who may accept the token: 1 to 16 names of up to 512 characters. */
  readonly audiences: readonly string[];
  readonly lifetimeMs: number;
  readonly bound?: TokenBinding;
}

export interface IssuedToken {
  readonly token: string;
  readonly id: string;
  readonly expiresAtMs: number;
}

/** A service account that showed a good token. */
export interface TokenBearer {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uid: string;
  /** Of the audiences asked for, those that the token is for. */
  readonly audiences: readonly string[];
  readonly tokenId: string | undefined;
  readonly bound: TokenBinding | undefined;
}

/** Kubernetes-style bound tokens of service accounts. */
export interface ServiceAccountTokens {
  readonly issuer: string;
  /** @throws {MeshError} ERR_USAGE for what is out of bounds, ERR_NOT_FOUND for an unknown account. */
  issue(order: TokenOrder): Promise<IssuedToken>;
  /**
   * Whose token it is, if it is for one of `audiences`. An account that was deleted, also when it was
   * made again, has no good tokens.
   *
   * @throws {MeshError} ERR_JWT with the rule; the token is not quoted.
   */
  authenticate(token: string, audiences: readonly string[]): Promise<TokenBearer>;
}

const LONGEST_LIFETIME_MS = 7 * 86_400_000;
const SHORTEST_LIFETIME_MS = 1_000;
const SUBJECT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const KUBERNETES = 'kubernetes.io';

export function serviceAccountTokens(options: ServiceAccountTokensOptions): ServiceAccountTokens {
  const { issuer, signer, uidOf, clock } = options;
  return {
    issuer,

    async issue({ namespace, serviceAccount, audiences, lifetimeMs, bound }) {
      checkAudiences(audiences);
      checkLifetime(lifetimeMs);
      const uid = await uidOf(namespace, serviceAccount);
      if (uid === undefined) {
        throw new MeshError(
          'ERR_NOT_FOUND',
          `ServiceAccount "${namespace}/${serviceAccount}" does not exist; apply it first`,
        );
      }
      const iat = Math.floor(clock.now() / 1_000);
      const exp = Math.floor((clock.now() + lifetimeMs) / 1_000);
      const id = options.newTokenId();
      const claims = {
        ...{ aud: [...new Set(audiences)], exp, iat, iss: issuer, jti: id },
        [KUBERNETES]: {
          namespace,
          ...(bound && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
          serviceaccount: { name: serviceAccount, uid },
        },
        ...{ nbf: iat, sub: `system:serviceaccount:${namespace}:${serviceAccount}` },
      };
      const { keyId, privateKey } = await signer.signingKey(exp * 1_000);
      return { token: await signJws({ claims, keyId, privateKey }), id, expiresAtMs: exp * 1_000 };
    },

    async authenticate(token, audiences) {
      const jws = parseCompactJws(token);
      if (jws.claims['iss'] !== issuer) {
        const shown = JSON.stringify(jws.claims['iss'] ?? null).slice(0, 200);
        refuse(`has the issuer ${shown}, this mesh is "${issuer}"`);
      }
      const { audience } = checkRegisteredClaims(jws.claims, { audiences, nowMs: clock.now() });
      await checkSignature(jws, signer);
      const bearer = accountIn(jws);
      const uid = await uidOf(bearer.namespace, bearer.serviceAccount);
      if (uid !== bearer.uid) {
        refuse(
          `belongs to an earlier service account "${bearer.namespace}/${bearer.serviceAccount}", which was deleted${uid === undefined ? '' : ' and made again'}`,
        );
      }
      await checkBound(bearer, options);
      return { ...bearer, audiences: audiences.filter((each) => audience.includes(each)) };
    },
  };
}

async function checkSignature(jws: CompactJws, { authorities }: TokenSigner): Promise<void> {
  const key = authorities.current.find(({ keyId }) => keyId === jws.keyId);
  if (key === undefined) {
    const shown = JSON.stringify(jws.keyId ?? null).slice(0, 80);
    refuse(`names the key ${shown}, which this mesh does not have (any more)`);
  }
  if (!(await isJwsSignedBy(jws, key.publicKey))) refuse('is not signed by the key that it names');
}

/** Our own keys sign JWT-SVIDs too: only these claims make a token one of a service account. */
function accountIn({ claims }: CompactJws): Omit<TokenBearer, 'audiences'> {
  const { sub, jti } = claims;
  const [, namespace, serviceAccount] = SUBJECT.exec(typeof sub === 'string' ? sub : '') ?? [];
  const bound = fieldsOf(claims[KUBERNETES]);
  const account = fieldsOf(bound['serviceaccount']);
  const { uid } = account;
  if (
    namespace === undefined ||
    serviceAccount === undefined ||
    bound['namespace'] !== namespace ||
    account['name'] !== serviceAccount ||
    typeof uid !== 'string'
  ) {
    refuse('is not one of a service account');
  }
  const tokenId = typeof jti === 'string' ? jti : undefined;
  return { namespace, serviceAccount, uid, tokenId, bound: bindingIn(bound) };
}

function bindingIn(claims: Readonly<Record<string, unknown>>): TokenBinding | undefined {
  for (const kind of ['Pod', 'Secret'] as const) {
    const claim = claims[kind.toLowerCase()];
    if (claim === undefined) continue;
    const { name, uid } = fieldsOf(claim);
    if (typeof name !== 'string' || typeof uid !== 'string') refuse('is bound to what has no name');
    return { kind, name, uid };
  }
  return undefined;
}

async function checkBound(
  { namespace, bound }: Omit<TokenBearer, 'audiences'>,
  { boundUidOf }: Pick<ServiceAccountTokensOptions, 'boundUidOf'>,
): Promise<void> {
  if (bound === undefined) return;
  const uid = await boundUidOf?.(namespace, bound);
  if (uid === bound.uid) return;
  refuse(
    `is bound to the ${bound.kind} "${namespace}/${bound.name}", which was deleted${uid === undefined ? '' : ' and made again'}`,
  );
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function checkLifetime(lifetimeMs: number): void {
  if (lifetimeMs >= SHORTEST_LIFETIME_MS && lifetimeMs <= LONGEST_LIFETIME_MS) return;
  throw new MeshError(
    'ERR_USAGE',
    `${formatDuration(lifetimeMs)} is no lifetime for a token of a service account; it may be ${formatDuration(SHORTEST_LIFETIME_MS)} to ${formatDuration(LONGEST_LIFETIME_MS)}`,
  );
}

function refuse(problem: string): never {
  throw new MeshError('ERR_JWT', `the token ${problem}`);
}
