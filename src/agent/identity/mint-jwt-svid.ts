import { createClient } from '@connectrpc/connect';
import { JwtSvidService } from '../../gen/hauberk/identity/v1/jwt_svid_pb.js';
import { parseCompactJws } from '../../lib/compact-jws.ts';
import { MeshError } from '../../lib/errors.ts';
import { checkRegisteredClaims } from '../../lib/registered-claims.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { JwtSvid } from '../../spiffe/jwt-svid.ts';
import type { ControlPlaneAddress } from '../link/control-plane-address.ts';
import { controlPlaneError } from '../link/control-plane-error.ts';
import { controlPlaneLink } from '../link/control-plane-link.ts';

export interface MintCall {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
  /** Proves who asks; the token is for the same identity. */
  readonly identity: Identity;
  readonly audience: readonly string[];
  readonly nowMs: number;
}

const CALL_TIMEOUT_MS = 10_000;

/**
 * One JWT-SVID from the control plane. That its signature can be checked is for those who are shown
 * it: the bundle here may be older than the key.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED or ERR_FORBIDDEN when refused, ERR_UNREACHABLE when worth
 *   another try, ERR_JWT when the answer is not what was asked for.
 */
export async function mintJwtSvid(call: MintCall): Promise<JwtSvid> {
  const { address, rootNamespace, identity, audience, nowMs } = call;
  const { bundle, svid } = identity;
  const link = controlPlaneLink({ address, bundle, identity, rootNamespace });
  try {
    const client = createClient(JwtSvidService, link.transport);
    const { svid: token } = await client
      .mintJwtSvid({ audience: [...audience] }, { timeoutMs: CALL_TIMEOUT_MS })
      .catch((error: unknown) => {
        throw controlPlaneError(error);
      });
    const { claims } = parseCompactJws(token);
    if (claims['sub'] !== svid.id.toString()) {
      throw new MeshError('ERR_JWT', 'the control plane answered with the token of somebody else');
    }
    return {
      id: svid.id,
      claims,
      token,
      ...checkRegisteredClaims(claims, { audiences: audience, nowMs }),
    };
  } finally {
    link.close();
  }
}
