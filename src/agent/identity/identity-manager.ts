import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { KeyPair } from '../../x509/key-pair.ts';
import {
  expiresAtMs,
  nextRenewalAtMs,
  outdatedInMs,
  renewAtMs,
  type WantedSigner,
} from './renewal-schedule.ts';
import { RenewalTimer } from './renewal-timer.ts';
import { newWorkloadKey } from './request-svid.ts';

/** What the manager tells of its work. */
export interface IdentityEvents {
  svidIssued(event: { readonly identity: Identity; readonly renewal: boolean }): void;
  /** The present certificate stays in use until it expires. */
  renewalFailed(event: {
    readonly reason: string;
    readonly failures: number;
    readonly retryInMs: number;
    readonly expiresAtMs: number;
  }): void;
}

export interface IdentityManagerOptions {
  /** Asks for an SVID for the given key: with the token when `current` is undefined. */
  readonly obtain: (
    current: Identity | undefined,
    keys: KeyPair,
    signal: AbortSignal,
  ) => Promise<Identity>;
  readonly clock: Clock;
  readonly events: IdentityEvents;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** Keeps a workload's SVID fresh. There is no manager, and so no Identity, before the first SVID. */
export interface IdentityManager {
  readonly identity: Watchable<Identity>;
  /** Renews at the next opportunity instead of at half life. */
  renewNow(): void;
  /** Renews at some moment of the next `withinMs` what another than `signer` (a serial) has signed. */
  renewUnlessSignedBy(signer: string, withinMs: number): void;
  /**
   * The clock was set, or the machine slept: looks at once whether it is time to renew. What was
   * waited before it was set back counts.
   *
   * @param byMs how far the wall clock went ahead of the time that passed; negative when set back
   */
  clockJumped(byMs: number): void;
  /** Trusts what `bundle` says from now on, beside the present SVID; nothing happens if that is so already. */
  trust(bundle: TrustBundle): void;
  /** Believes these other trust domains from now on, and no further ones. */
  federate(bundles: readonly TrustBundle[]): void;
  readonly run: Task;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

/**
 * Enrols, trying again while the control plane cannot be reached.
 *
 * @throws {MeshError} at once when the control plane refuses: another try would be refused too.
 */
export async function enrol(
  options: IdentityManagerOptions,
  signal: AbortSignal,
): Promise<Identity> {
  const { clock, events, obtain } = options;
  // One key for all tries: an answer that was lost on the way can be asked for again.
  const keys = newWorkloadKey();
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    try {
      const identity = await obtain(undefined, keys, signal);
      events.svidIssued({ identity, renewal: false });
      return identity;
    } catch (error) {
      if (!MeshError.is(error, 'ERR_UNREACHABLE')) throw error;
      const retryInMs = retryDelayMs(failures, options);
      events.renewalFailed({ reason: messageOf(error), failures, retryInMs, expiresAtMs: 0 });
      await clock.sleep(retryInMs, signal);
    }
  }
}

/** Takes over from `first` and renews until aborted. */
export function identityManager(first: Identity, options: IdentityManagerOptions): IdentityManager {
  const { clock, random = Math.random } = options;
  const identity = new WatchableValue(first);
  const timer = new RenewalTimer(clock, renewAtMs(first, random));
  let asked = 0;
  let wanted: WantedSigner | undefined;

  return {
    identity,
    renewNow() {
      asked += 1;
      timer.expire();
    },
    renewUnlessSignedBy(signer, withinMs) {
      wanted = { signer, withinMs };
      timer.hasten(clock.now() + outdatedInMs(identity.current, wanted, random));
    },
    clockJumped: (byMs) => timer.clockJumped(byMs),
    trust(bundle) {
      const { current } = identity;
      if (!current.bundle.hasContentOf(bundle)) identity.set({ ...current, bundle });
    },
    federate(bundles) {
      const { current } = identity;
      if (!sameBundles(current.federated ?? [], bundles)) {
        identity.set({ ...current, federated: bundles });
      }
    },
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        await timer.wait(signal);
        if (signal.aborted) return;
        failures = await renew(failures, signal);
      }
    },
  };

  async function renew(failures: number, signal: AbortSignal): Promise<number> {
    const askedBefore = asked;
    const before = identity.current;
    try {
      const obtained = await options.obtain(before, newWorkloadKey(), signal);
      const next = withNewestTrust(obtained, before, identity.current);
      identity.set(next);
      // Asked again while this one was on its way: it may have missed what the asker knew.
      const nowMs = clock.now();
      timer.set(asked === askedBefore ? nextRenewalAtMs(next, { wanted, random, nowMs }) : nowMs);
      options.events.svidIssued({ identity: next, renewal: true });
      return 0;
    } catch (error) {
      const retryInMs = retryDelayMs(failures + 1, options);
      timer.set(clock.now() + retryInMs);
      if (!signal.aborted) {
        options.events.renewalFailed({
          reason: messageOf(error),
          failures: failures + 1,
          retryInMs,
          expiresAtMs: expiresAtMs(identity.current),
        });
      }
      return failures + 1;
    }
  }
}

/** A bundle that has come meanwhile is newer than the one that the answer was checked against. */
function withNewestTrust(obtained: Identity, before: Identity, now: Identity): Identity {
  const { bundle, federated } = now;
  return {
    ...obtained,
    ...(bundle === before.bundle ? {} : { bundle }),
    ...(federated === undefined ? {} : { federated }),
  };
}

function sameBundles(some: readonly TrustBundle[], others: readonly TrustBundle[]): boolean {
  return (
    some.length === others.length &&
    some.every((bundle, at) => others[at]?.hasContentOf(bundle) === true)
  );
}

function retryDelayMs(failures: number, { random }: IdentityManagerOptions): number {
  return backoffMs(failures, {
    firstMs: FIRST_RETRY_MS,
    maxMs: LONGEST_RETRY_MS,
    ...(random === undefined ? {} : { random }),
  });
}
