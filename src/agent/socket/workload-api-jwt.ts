import { create, type JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  type JWTBundlesResponse,
  JWTBundlesResponseSchema,
  type JWTSVIDRequest,
  type SpiffeWorkloadAPI,
  type ValidateJWTSVIDRequest,
} from '../../gen/spiffe/workload_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { newest } from '../../lib/newest.ts';
import { checkAudiences } from '../../spiffe/check-audiences.ts';
import { type JwtSvid, verifyJwtSvid } from '../../spiffe/jwt-svid.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import {
  type Entitlement,
  entitlementKey,
  type GivenIdentity,
  isEntitled,
} from '../identity/entitlement.ts';
import type { JwtSvids } from '../identity/jwt-svids.ts';
import { entitlementLost, identityPending } from './socket-caller.ts';

export interface WorkloadApiJwtOptions {
  readonly tokens: JwtSvids;
  readonly clock: Clock;
  /** Ends every stream. */
  readonly signal: AbortSignal;
}

/**
 * The JWT profile of the SPIFFE Workload API. By its codes clients know what to do: InvalidArgument is
 * final, PermissionDenied and Unavailable are tried again.
 */
export function workloadApiJwt(
  options: WorkloadApiJwtOptions,
): Pick<
  ServiceImpl<typeof SpiffeWorkloadAPI>,
  'fetchJWTSVID' | 'fetchJWTBundles' | 'validateJWTSVID'
> {
  return {
    async fetchJWTSVID(request, { values }) {
      const wanted = identitiesFor(request, values.get(entitlementKey).current);
      const svids = wanted.map(async ({ identity, hint }) => {
        const { id, token } = await get({ identity, audience: request.audience }, options);
        return { spiffeId: id.toString(), svid: token, hint };
      });
      return { svids: await Promise.all(svids) };
    },
    fetchJWTBundles: (_request, context) => bundles(options, context),
    validateJWTSVID: async (request, { values }) => {
      const { id, claims } = await validate(request, values.get(entitlementKey).current, options);
      return { spiffeId: id.toString(), claims: claims as JsonObject };
    },
  };
}

/** All identities of the caller, or the one that it names. */
function identitiesFor(
  { audience, spiffeId }: JWTSVIDRequest,
  { identities }: Entitlement,
): readonly GivenIdentity[] {
  let id: SpiffeId | undefined;
  try {
    checkAudiences(audience);
    id = spiffeId === '' ? undefined : SpiffeId.parse(spiffeId);
  } catch (cause) {
    throw new ConnectError(messageOf(cause), Code.InvalidArgument);
  }
  if (identities.length === 0) throw identityPending();
  if (id === undefined) return identities;
  const named = identities.find(({ identity }) => id.equals(identity.svid.id));
  if (named !== undefined) return [named];
  const own = identities.map(({ identity: { svid } }) => `"${svid.id}"`).join(', ');
  throw new ConnectError(`the caller has the identity ${own}, not "${id}"`, Code.PermissionDenied);
}

async function get(
  { identity, audience }: Pick<GivenIdentity, 'identity'> & Pick<JWTSVIDRequest, 'audience'>,
  { tokens }: WorkloadApiJwtOptions,
): Promise<JwtSvid> {
  try {
    return await tokens.get(identity, audience);
  } catch (error) {
    const refused =
      MeshError.is(error, 'ERR_UNAUTHENTICATED') || MeshError.is(error, 'ERR_FORBIDDEN');
    throw new ConnectError(messageOf(error), refused ? Code.PermissionDenied : Code.Unavailable);
  }
}

async function* bundles(
  { signal }: WorkloadApiJwtOptions,
  context: HandlerContext,
): AsyncGenerator<JWTBundlesResponse> {
  const until = AbortSignal.any([signal, context.signal]);
  let sent: string | undefined;
  for await (const entitlement of newest(context.values.get(entitlementKey), until)) {
    if (!isEntitled(entitlement)) throw entitlementLost();
    if (entitlement.identities.length === 0) throw identityPending();
    const jwks = trusted(entitlement).map((bundle) => [bundle.trustDomain.id, bundle.toJwtJwks()]);
    const text = JSON.stringify(jwks);
    if (text === sent) continue;
    sent = text;
    yield create(JWTBundlesResponseSchema, {
      bundles: Object.fromEntries(
        jwks.map(([id, document = '']) => [id, Uint8Array.from(Buffer.from(document))]),
      ),
    });
  }
  throw new ConnectError('the agent is stopping', Code.Unavailable);
}

/** All identities are of one agent, and so of one mind about whom to trust. */
function trusted({ identities: [first] }: Entitlement): readonly TrustBundle[] {
  if (first === undefined) return [];
  const { bundle, federated = [] } = first.identity;
  return [bundle, ...federated];
}

async function validate(
  { audience, svid: token }: ValidateJWTSVIDRequest,
  entitlement: Entitlement,
  { clock }: WorkloadApiJwtOptions,
): Promise<JwtSvid> {
  // Nobody to trust yet: not the token's fault, so not an answer that is final.
  if (entitlement.identities.length === 0) throw identityPending();
  try {
    if (audience === '') throw new MeshError('ERR_JWT', 'the request names no audience');
    return await verifyJwtSvid({
      ...{ token, audiences: [audience], nowMs: clock.now() },
      bundles: (domain) => trusted(entitlement).find((each) => each.trustDomain.equals(domain)),
    });
  } catch (error) {
    if (!MeshError.is(error)) throw error;
    throw new ConnectError(error.message, Code.InvalidArgument);
  }
}
