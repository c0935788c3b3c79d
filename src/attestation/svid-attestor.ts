import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustBundle } from '../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { verifiedPeer } from '../spiffe/verify-peer.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Attestor } from './attestor.ts';

/**
 * Says of a caller that its SVID was given to an agent. It is the workload, but it can get nothing by
 * which it would go on being it after the agent's registration has ended.
 */
export const DELEGATED = 'delegated-svid';

export interface SvidAttestorOptions {
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly clock: Clock;
  /** @throws {MeshError} ERR_UNAUTHENTICATED for the serial of a certificate that was revoked. */
  readonly refuseRevoked: (serial: string) => void;
  /** Whether that certificate was given to an agent, for a workload that it serves. Default: never. */
  readonly isDelegated?: (serial: string) => boolean;
  /** Whether the owner of this certificate, which has expired, may come back by its key. Default: never. */
  readonly mayReturn?: (id: SpiffeId, serial: string) => Promise<boolean>;
}

/** Knows a caller by the SVID it already has: TLS has proved that it holds the key. */
export function svidAttestor(options: SvidAttestorOptions): Attestor {
  const { bundles, clock, refuseRevoked, isDelegated = () => false, mayReturn } = options;
  /** Its own and those of the authorities above it. */
  const refuseAnyOf = (path: readonly Certificate[]): void => {
    for (const { serial } of path) refuseRevoked(serial);
  };
  /** What a certificate was given for never changes, and one connection asks for many. */
  const delegated = new WeakMap<Certificate, boolean>();
  const wasDelegated = (leaf: Certificate): boolean => {
    const known = delegated.get(leaf) ?? isDelegated(leaf.serial);
    delegated.set(leaf, known);
    return known;
  };
  return {
    name: 'svid',
    async attest({ chain }) {
      const [leaf] = chain;
      if (leaf === undefined) return undefined;
      try {
        const hasEnded = mayReturn !== undefined && clock.now() >= leaf.notAfterMs;
        // Judged as of its last moment, when nothing else may have been wrong with it either.
        const nowMs = hasEnded ? leaf.notAfterMs - 1 : clock.now();
        const { id, path } = verifiedPeer({ chain, bundles, nowMs, purpose: 'clientAuth' });
        refuseAnyOf(path);
        if (hasEnded && !(await mayReturn(id, leaf.serial))) refuseExpired(leaf, clock);
        const valid = wasDelegated(leaf) ? DELEGATED : 'svid';
        const by = hasEnded ? 'expired-svid' : valid;
        return { id, by, confirm: async () => undefined };
      } catch (cause) {
        throw new MeshError('ERR_UNAUTHENTICATED', messageOf(cause), { cause });
      }
    },
  };
}

function refuseExpired({ serial, notAfterMs }: Certificate, clock: Clock): never {
  throw new MeshError(
    'ERR_UNAUTHENTICATED',
    `certificate ${serial} expired ${formatDuration(clock.now() - notAfterMs)} ago, and its owner may not come back by it; make a new token with \`hauberk token create\``,
  );
}
