import type { Clock } from '../lib/clock.ts';
import { type Watchable, WatchableValue } from '../lib/watchable.ts';
import type { JwtAuthority } from '../spiffe/jwt-authority.ts';
import {
  afterJwtKeyAction,
  type JwtKey,
  type JwtKeyAction,
  type JwtKeyAlgorithm,
  type JwtKeyPeriods,
  type JwtKeys,
  jwtKeyAction,
  newJwtKey,
} from './jwt-keys.ts';

/** Where the keys live between two runs. Whoever implements it keeps them sealed. */
export interface JwtKeyStore {
  load(): Promise<JwtKeys | undefined>;
  save(keys: JwtKeys): Promise<void>;
}

export interface JwtKeyRingOptions {
  readonly store: JwtKeyStore;
  readonly clock: Clock;
  /** Of new keys. Default `ecdsa-p256`, which signs as ES256. */
  readonly algorithm?: JwtKeyAlgorithm;
  /** Default: a key signs for 30 days and is published 3 days before. */
  readonly periods?: JwtKeyPeriods;
}

/** The keys that sign the tokens of a trust domain. */
export interface JwtKeyRing {
  /** What validators need; a key is in here long before it signs and until its tokens have expired. */
  readonly authorities: Watchable<readonly JwtAuthority[]>;
  /** The key to sign with, which is kept until `expiresAtMs`, when the token will expire. */
  signingKey(expiresAtMs: number): Promise<JwtKey>;
  /** Takes the steps that are due; each is saved before it counts. Returns those taken. */
  rotateWhenDue(): Promise<readonly JwtKeyAction[]>;
  /**
   * For a key that was stolen: a new one signs from now on, and no token of another key is believed.
   */
  replaceCompromised(): Promise<void>;
}

const DAY_MS = 86_400_000;
const PERIODS: JwtKeyPeriods = { signingMs: 30 * DAY_MS, aheadMs: 3 * DAY_MS };
/** The end of a key's use is written down this much ahead, or each token would cost a write. */
const SLACK_MS = 3_600_000;

/** Loads the keys from the store, or makes the first one. */
export async function openJwtKeyRing(options: JwtKeyRingOptions): Promise<JwtKeyRing> {
  const { store, clock, algorithm = 'ecdsa-p256', periods = PERIODS } = options;
  const fresh = (): JwtKey => newJwtKey(algorithm, clock.now());
  const first = (): JwtKeys => ({
    ...{ current: fresh(), currentSinceMs: clock.now(), next: undefined, retired: [] },
  });
  let keys = await store.load();
  if (keys === undefined) {
    keys = first();
    await store.save(keys);
  }
  let present: JwtKeys = keys;
  const authorities = new WatchableValue(publicKeys(present));
  let queue: Promise<unknown> = Promise.resolve();

  return {
    authorities,

    async signingKey(expiresAtMs) {
      const { current } = present;
      if (current.usedUntilMs >= expiresAtMs) return current;
      return oneAtATime(async () => {
        const used = { ...present.current, usedUntilMs: expiresAtMs + SLACK_MS };
        if (present.current.usedUntilMs < expiresAtMs) await change({ ...present, current: used });
        return present.current;
      });
    },

    rotateWhenDue: () =>
      oneAtATime(async () => {
        const taken: JwtKeyAction[] = [];
        for (;;) {
          const action = jwtKeyAction(present, periods, clock.now());
          if (action === 'none') return taken;
          await change(afterJwtKeyAction(present, action, { nowMs: clock.now(), fresh }));
          taken.push(action);
        }
      }),

    replaceCompromised: () => oneAtATime(() => change(first())),
  };

  /** A step that is on its way to the disk must not be overtaken by one that does not know of it. */
  function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return turn;
  }

  async function change(next: JwtKeys): Promise<void> {
    await store.save(next);
    const before = ids(present);
    present = next;
    if (ids(next) !== before) authorities.set(publicKeys(next));
  }
}

function allOf({ current, next, retired }: JwtKeys): readonly JwtKey[] {
  return [current, ...(next === undefined ? [] : [next]), ...retired];
}

function publicKeys(keys: JwtKeys): readonly JwtAuthority[] {
  return allOf(keys).map(({ keyId, publicKey }) => ({ keyId, publicKey }));
}

function ids(keys: JwtKeys): string {
  return allOf(keys)
    .map(({ keyId }) => keyId)
    .join();
}
