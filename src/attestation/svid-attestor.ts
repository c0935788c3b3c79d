import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifiedPeer } from '../spiffe/verify-peer.ts';
import type { Attestor } from './attestor.ts';

export interface SvidAttestorOptions {
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly clock: Clock;
  /** @throws {MeshError} ERR_UNAUTHENTICATED for the serial of a certificate that was revoked. */
  readonly refuseRevoked: (serial: string) => void;
}

/** Knows a caller by the SVID it already has: TLS has proved that it holds the key. */
export function svidAttestor({ bundles, clock, refuseRevoked }: SvidAttestorOptions): Attestor {
  return {
    name: 'svid',
    async attest({ chain }) {
      const [leaf] = chain;
      if (leaf === undefined) return undefined;
      try {
        const { id, path } = verifiedPeer({
          chain,
          bundles,
          nowMs: clock.now(),
          purpose: 'clientAuth',
        });
        for (const { serial } of path) refuseRevoked(serial);
        return { id, by: 'svid', confirm: async () => undefined };
      } catch (cause) {
        throw new MeshError('ERR_UNAUTHENTICATED', messageOf(cause), { cause });
      }
    },
  };
}
