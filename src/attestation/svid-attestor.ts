import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifyPeer } from '../spiffe/verify-peer.ts';
import type { Attestor } from './attestor.ts';

export interface SvidAttestorOptions {
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly clock: Clock;
}

/** Knows a caller by the SVID it already has: TLS has proved that it holds the key. */
export function svidAttestor({ bundles, clock }: SvidAttestorOptions): Attestor {
  return {
    name: 'svid',
    async attest({ chain }) {
      if (chain.length === 0) return undefined;
      try {
        const id = verifyPeer({ chain, bundles, nowMs: clock.now(), purpose: 'clientAuth' });
        return { id, by: 'svid', confirm: async () => undefined };
      } catch (cause) {
        throw new MeshError('ERR_UNAUTHENTICATED', messageOf(cause), { cause });
      }
    },
  };
}
