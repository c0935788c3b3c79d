import type { Clock } from '../../lib/clock.ts';
import { parseCompactJws } from '../../lib/compact-jws.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { JwtSvid } from '../../spiffe/jwt-svid.ts';

export interface JwtSvidsOptions {
  /** Gets a new one for the identity. */
  readonly mint: (identity: Identity, audience: readonly string[]) => Promise<JwtSvid>;
  readonly clock: Clock;
}

/** The JWT-SVIDs of an agent's workloads. */
export interface JwtSvids {
  /**
   * A token of `identity` for exactly these audiences that is good for at least half of its life, or for the rest of
   * it while no new one is to be had.
   *
   * @throws {MeshError} as `mint` does.
   */
  get(identity: Identity, audience: readonly string[]): Promise<JwtSvid>;
}

interface Held {
  readonly svid: JwtSvid;
  readonly keyId: string | undefined;
  readonly renewAtMs: number;
}

/** Programs choose the audiences, so what is kept of them has a bound. */
const MOST_HELD = 256;

/** Keeps tokens in memory and asks for new ones at half of their life. */
export function jwtSvids({ mint, clock }: JwtSvidsOptions): JwtSvids {
  const held = new Map<string, Held>();
  const underWay = new Map<string, Promise<JwtSvid>>();

  return {
    async get(identity, audience) {
      const wanted = [...new Set(audience)].sort((a, b) => (a < b ? -1 : 1));
      const name = JSON.stringify([identity.svid.id, wanted]);
      const present = usable(held.get(name), identity);
      if (present !== undefined && clock.now() < present.renewAtMs) return present.svid;
      try {
        return await once(name, () => renew(name, identity, wanted));
      } catch (error) {
        const still = usable(held.get(name), identity);
        // A refusal is meant; everything else passes, and the token that we have is as good as before.
        const refused =
          MeshError.is(error, 'ERR_UNAUTHENTICATED') || MeshError.is(error, 'ERR_FORBIDDEN');
        if (still === undefined || refused) throw error;
        return still.svid;
      }
    },
  };

  /** Not expired, and signed by a key that is still published. */
  function usable(entry: Held | undefined, { bundle }: Identity): Held | undefined {
    if (entry === undefined || clock.now() >= entry.svid.expiresAtMs) return undefined;
    const withdrawn =
      bundle.jwtAuthorities.length > 0 && bundle.jwtKey(entry.keyId ?? '') === undefined;
    return withdrawn ? undefined : entry;
  }

  function once(name: string, work: () => Promise<JwtSvid>): Promise<JwtSvid> {
    const present = underWay.get(name);
    if (present !== undefined) return present;
    const started = work().finally(() => underWay.delete(name));
    underWay.set(name, started);
    return started;
  }

  async function renew(
    name: string,
    identity: Identity,
    audience: readonly string[],
  ): Promise<JwtSvid> {
    const askedAtMs = clock.now();
    const svid = await mint(identity, audience);
    const { keyId } = parseCompactJws(svid.token);
    held.delete(name);
    held.set(name, { svid, keyId, renewAtMs: (askedAtMs + svid.expiresAtMs) / 2 });
    const [oldest] = held.keys();
    if (held.size > MOST_HELD && oldest !== undefined) held.delete(oldest);
    return svid;
  }
}
