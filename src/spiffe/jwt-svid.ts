import type { KeyObject } from 'node:crypto';
import { type CompactJws, isJwsSignedBy, parseCompactJws, signJws } from '../lib/compact-jws.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { checkRegisteredClaims } from '../lib/registered-claims.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';

/** An identity proved by a token. Whoever has the token has the identity until it expires. */
export interface JwtSvid {
  readonly id: SpiffeId;
  /** Whom the token is for; at least one. */
  readonly audience: readonly string[];
  readonly expiresAtMs: number;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The token itself, a secret. */
  readonly token: string;
}

/** Who asks about a token, and whom they trust. */
export interface JwtSvidQuestion {
  readonly token: string;
  /** The names of the one who was shown the token; one of them must be in its `aud`. */
  readonly audiences: readonly string[];
  /** The bundle of a trust domain, undefined for one that is not trusted. */
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly nowMs: number;
}

const HEADER: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

/**
 * Whose token it is, proved by the key that it names in the bundle of its own trust domain
 * (JWT-SVID 3 to 5). A key ID is required, as go-spiffe does.
 *
 * @throws {MeshError} ERR_JWT with the rule; the token is not quoted.
 */
export async function verifyJwtSvid(question: JwtSvidQuestion): Promise<JwtSvid> {
  const { token, audiences, bundles, nowMs } = question;
  const jws = parseCompactJws(token);
  const extra = Object.keys(jws.header).find((name) => !HEADER.has(name));
  if (extra !== undefined) {
    refuse(
      `has the header ${JSON.stringify(extra).slice(0, 80)}; only alg, kid and typ may be there`,
    );
  }
  const id = subjectOf(jws);
  const { audience, expiresAtMs } = checkRegisteredClaims(jws.claims, { audiences, nowMs });
  if (!(await isJwsSignedBy(jws, keyFor(jws, id, bundles)))) {
    refuse(`of "${id}" is not signed by the key that it names`);
  }
  return { id, audience, expiresAtMs, claims: jws.claims, token };
}

function subjectOf({ claims: { sub } }: CompactJws): SpiffeId {
  if (typeof sub !== 'string') refuse('has no "sub", which is whose it is');
  try {
    return SpiffeId.parse(sub);
  } catch (cause) {
    throw new MeshError('ERR_JWT', `the token has a "sub" that cannot be: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function keyFor(
  { keyId }: CompactJws,
  id: SpiffeId,
  bundles: JwtSvidQuestion['bundles'],
): KeyObject {
  if (keyId === undefined) refuse('has no "kid", which says by which key it was signed');
  const bundle = bundles(id.trustDomain);
  if (bundle === undefined) {
    refuse(`is of the trust domain "${id.trustDomain}", of which there is no bundle here`);
  }
  const key = bundle.jwtKey(keyId);
  if (key !== undefined) return key;
  return refuse(
    `names the key ${JSON.stringify(keyId).slice(0, 80)}, which the bundle of "${id.trustDomain}" does not have`,
  );
}

/** What a JWT-SVID is to say, and who says it. */
export interface JwtSvidRequest {
  readonly id: SpiffeId;
  /** At least one; best exactly one, or each of them can show the token to the others. */
  readonly audience: readonly string[];
  readonly nowMs: number;
  readonly lifetimeMs: number;
  /** For validators that look keys up by OpenID Connect discovery. */
  readonly issuer?: string;
  /** Tells this token from all others. */
  readonly tokenId: string;
  readonly signer: { readonly keyId: string; readonly privateKey: KeyObject };
}

/** A JWT-SVID in compact form. Its times are whole seconds, so it may live up to one second less. */
export async function signJwtSvid(request: JwtSvidRequest): Promise<JwtSvid> {
  const { id, audience, nowMs, lifetimeMs, issuer, tokenId, signer } = request;
  const expiresAtS = Math.floor((nowMs + lifetimeMs) / 1_000);
  const claims = {
    ...(issuer === undefined ? {} : { iss: issuer }),
    sub: id.toString(),
    aud: [...audience],
    iat: Math.floor(nowMs / 1_000),
    exp: expiresAtS,
    jti: tokenId,
  };
  const token = await signJws({ claims, ...signer });
  return { id, audience, expiresAtMs: expiresAtS * 1_000, claims, token };
}

function refuse(problem: string): never {
  throw new MeshError('ERR_JWT', `the token ${problem}`);
}
