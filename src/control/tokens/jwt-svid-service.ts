import type { ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { JwtKeyRing } from '../../ca/jwt-key-ring.ts';
import type { JwtSvidService } from '../../gen/hauberk/identity/v1/jwt_svid_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import { checkAudiences } from '../../spiffe/check-audiences.ts';
import { type JwtSvid, signJwtSvid } from '../../spiffe/jwt-svid.ts';
import type { ControlEvents } from '../control-events.ts';
import { grpcError } from '../grpc-error.ts';
import { type PeerEvidence, peerEvidenceKey } from '../issuance/peer-evidence.ts';
import type { ServiceAccounts } from '../issuance/service-accounts.ts';
import type { Revocations } from '../revocation/revocations.ts';

export interface JwtSvidServiceOptions {
  readonly issuer: string;
  readonly keys: Pick<JwtKeyRing, 'signingKey'>;
  /** Only callers that already have an X.509-SVID get tokens. */
  readonly attestor: Attestor;
  readonly serviceAccounts: Pick<ServiceAccounts, 'lifetimeCeilingMs'>;
  readonly revocations: Pick<Revocations, 'callers'>;
  readonly clock: Clock;
  readonly newTokenId: () => string;
  readonly events: Pick<ControlEvents, 'tokenIssued'>;
}

const LIFETIME_MS = 5 * 60_000;

/**
 * Mints JWT-SVIDs of 5 minutes, or as long as the operator lets the account's certificates live if
 * that is less, for the very identity that asks.
 */
export function jwtSvidService(options: JwtSvidServiceOptions): ServiceImpl<typeof JwtSvidService> {
  return {
    async mintJwtSvid({ audience }, { values }) {
      try {
        checkAudiences(audience);
        const { token } = await mint(audience, values.get(peerEvidenceKey), options);
        return { svid: token };
      } catch (error) {
        throw grpcError(error);
      }
    },
  };
}

async function mint(
  audience: readonly string[],
  { chain, address }: PeerEvidence,
  options: JwtSvidServiceOptions,
): Promise<JwtSvid> {
  const { issuer, keys, attestor, clock, events } = options;
  const { id } = await identifyCaller([attestor], { chain, bearer: undefined });
  const ceilingMs = await options.serviceAccounts.lifetimeCeilingMs(id);
  const lifetimeMs = Math.min(LIFETIME_MS, ceilingMs ?? LIFETIME_MS);
  const call = options.revocations.callers.begin(id.toString(), chain[0]?.serial ?? '');
  try {
    const signer = await keys.signingKey(clock.now() + lifetimeMs);
    const tokenId = options.newTokenId();
    const svid = await signJwtSvid({
      ...{ id, audience: [...new Set(audience)], nowMs: clock.now(), lifetimeMs },
      ...{ issuer, tokenId, signer },
    });
    if (call.signal.aborted) {
      throw new MeshError('ERR_UNAUTHENTICATED', `"${id}" was revoked while its token was signed`);
    }
    events.tokenIssued({
      ...{ type: 'jwt-svid', subject: id.toString(), audiences: svid.audience, tokenId },
      ...{ expiresAtMs: svid.expiresAtMs, actor: address },
    });
    return svid;
  } finally {
    call.done();
  }
}
