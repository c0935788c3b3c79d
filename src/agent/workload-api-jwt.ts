import { create, type JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import {
  type JWTBundlesResponse,
  JWTBundlesResponseSchema,
  type JWTSVIDRequest,
  type SpiffeWorkloadAPI,
  type ValidateJWTSVIDRequest,
} from '../gen/spiffe/workload_pb.js';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { newest } from '../lib/newest.ts';
import type { Watchable } from '../lib/watchable.ts';
import { checkAudiences } from '../spiffe/check-audiences.ts';
import type { Identity } from '../spiffe/identity.ts';
import { type JwtSvid, verifyJwtSvid } from '../spiffe/jwt-svid.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { JwtSvids } from './jwt-svids.ts';

export interface WorkloadApiJwtOptions {
  readonly identity: Watchable<Identity>;
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
    async fetchJWTSVID(request) {
      checkRequest(request, options.identity.current);
      const { id, token } = await get(request.audience, options);
      return { svids: [{ spiffeId: id.toString(), svid: token }] };
    },
    fetchJWTBundles: (_request, context) => bundles(options, context),
    validateJWTSVID: async (request) => {
      const { id, claims } = await validate(request, options);
      return { spiffeId: id.toString(), claims: claims as JsonObject };
    },
  };
}

function checkRequest({ audience, spiffeId }: JWTSVIDRequest, { svid }: Identity): void {
  try {
    checkAudiences(audience);
    if (spiffeId === '' || SpiffeId.parse(spiffeId).equals(svid.id)) return;
  } catch (cause) {
    throw new ConnectError(messageOf(cause), Code.InvalidArgument);
  }
  throw new ConnectError(
    `the workload of this socket is "${svid.id}", not "${spiffeId}"`,
    Code.PermissionDenied,
  );
}

async function get(
  audience: readonly string[],
  { tokens }: WorkloadApiJwtOptions,
): Promise<JwtSvid> {
  try {
    return await tokens.get(audience);
  } catch (error) {
    const refused =
      MeshError.is(error, 'ERR_UNAUTHENTICATED') || MeshError.is(error, 'ERR_FORBIDDEN');
    throw new ConnectError(messageOf(error), refused ? Code.PermissionDenied : Code.Unavailable);
  }
}

async function* bundles(
  { identity, signal }: WorkloadApiJwtOptions,
  context: HandlerContext,
): AsyncGenerator<JWTBundlesResponse> {
  const until = AbortSignal.any([signal, context.signal]);
  let sent: string | undefined;
  for await (const { bundle } of newest(identity, until)) {
    const text = bundle.toJwtJwks();
    if (text === sent) continue;
    sent = text;
    yield create(JWTBundlesResponseSchema, {
      bundles: { [bundle.trustDomain.id]: Uint8Array.from(Buffer.from(text)) },
    });
  }
  throw new ConnectError('the agent is stopping', Code.Unavailable);
}

async function validate(
  { audience, svid: token }: ValidateJWTSVIDRequest,
  { identity, clock }: WorkloadApiJwtOptions,
): Promise<JwtSvid> {
  const { bundle } = identity.current;
  try {
    if (audience === '') throw new MeshError('ERR_JWT', 'the request names no audience');
    return await verifyJwtSvid({
      ...{ token, audiences: [audience], nowMs: clock.now() },
      bundles: (trustDomain) => (trustDomain.equals(bundle.trustDomain) ? bundle : undefined),
    });
  } catch (error) {
    if (!MeshError.is(error)) throw error;
    throw new ConnectError(error.message, Code.InvalidArgument);
  }
}
