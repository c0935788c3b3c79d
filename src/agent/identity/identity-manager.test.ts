import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { enrol, type IdentityManagerOptions, identityManager } from './identity-manager.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
const LIFETIME_MS = 60_000;
const away = new MeshError('ERR_UNREACHABLE', 'control plane: connection refused');

interface Rig {
  readonly clock: ManualClock;
  readonly options: IdentityManagerOptions;
  /** One entry a call: the serial that was shown, or `token`. */
  readonly calls: string[];
  readonly keys: string[];
  readonly failures: string[];
  /** What the next calls answer instead of an SVID. */
  readonly errors: MeshError[];
  readonly first: () => Identity;
}

function rig(): Rig {
  const clock = new ManualClock();
  const authority = testAuthority({ nowMs: clock.now() });
  const issue = (): Identity => ({
    ...authority.identity(ID, { notBeforeMs: clock.now(), notAfterMs: clock.now() + LIFETIME_MS }),
    issuedAtMs: clock.now(),
  });
  const calls: string[] = [];
  const keys: string[] = [];
  const failures: string[] = [];
  const errors: MeshError[] = [];
  const options: IdentityManagerOptions = {
    clock,
    random: () => 0.5,
    events: {
      svidIssued: () => undefined,
      renewalFailed: ({ reason, failures: count }) => failures.push(`${count}: ${reason}`),
    },
    obtain: async (current, pair) => {
      calls.push(current?.svid.chain[0]?.serial ?? 'token');
      keys.push(pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'));
      const error = errors.shift();
      if (error !== undefined) throw error;
      return issue();
    },
  };
  return { clock, options, calls, keys, failures, errors, first: issue };
}

describe('enrol', () => {
  it('tries again with the same key while the control plane is away', async () => {
    const { options, errors, clock, keys, failures } = rig();
    errors.push(away, away);
    const enrolled = enrol(options, new AbortController().signal);
    await clock.advance(10_000);
    expect((await enrolled).svid.id.toString()).toBe(ID);
    expect(failures).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('gives up at once when it is refused', async () => {
    const { options, errors, calls } = rig();
    errors.push(new MeshError('ERR_UNAUTHENTICATED', 'the token was used'));
    await expect(enrol(options, new AbortController().signal)).rejects.toThrow(
      'the token was used',
    );
    expect(calls).toHaveLength(1);
  });
});

describe('identityManager', () => {
  it('renews at half of the lifetime with the present SVID and a new key', async () => {
    const { options, clock, calls, keys, first } = rig();
    const initial = first();
    const manager = identityManager(initial, options);
    const controller = new AbortController();
    const run = manager.run(controller.signal);
    await clock.advance(LIFETIME_MS / 2 - 1);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toEqual([initial.svid.chain[0]?.serial]);
    await clock.advance(LIFETIME_MS / 2);
    expect(calls).toHaveLength(2);
    expect(new Set(keys).size).toBe(2);
    controller.abort();
    await run;
  });

  it('keeps the valid SVID when a renewal fails, and tries again sooner than the next half life', async () => {
    const { options, clock, errors, failures, first } = rig();
    const initial = first();
    const manager = identityManager(initial, options);
    const controller = new AbortController();
    const run = manager.run(controller.signal);
    errors.push(away);
    await clock.advance(LIFETIME_MS / 2);
    expect(manager.identity.current).toBe(initial);
    expect(failures).toEqual(['1: control plane: connection refused']);
    await clock.advance(1_000);
    expect(manager.identity.current).not.toBe(initial);
    controller.abort();
    await run;
  });

  it('renews at once when asked to, and tells its watchers', async () => {
    const { options, clock, first } = rig();
    const manager = identityManager(first(), options);
    const seen: Identity[] = [];
    manager.identity.subscribe((next) => seen.push(next));
    const controller = new AbortController();
    const run = manager.run(controller.signal);
    await clock.advance(1_000);
    manager.renewNow();
    await clock.advance(0);
    expect(seen).toHaveLength(1);
    controller.abort();
    await run;
  });

  it('renews without delay after the machine slept past the time', async () => {
    const { options, clock, calls, first } = rig();
    const manager = identityManager(first(), options);
    const controller = new AbortController();
    await clock.advance(LIFETIME_MS * 10);
    const run = manager.run(controller.signal);
    await clock.advance(0);
    expect(calls).toHaveLength(1);
    controller.abort();
    await run;
  });

  it('trusts a further authority at once, with the SVID that it has', () => {
    const { options, first, calls } = rig();
    const initial = first();
    const manager = identityManager(initial, options);
    const swaps: Identity[] = [];
    manager.identity.subscribe((next) => swaps.push(next));
    const both = bundleWith(initial);
    manager.trust(both);
    manager.trust(both.withSequence(9));
    expect(swaps).toEqual([{ ...initial, bundle: both }]);
    expect(calls).toEqual([]);
  });

  it('renews within the window what another key has signed, and nothing else', async () => {
    const { options, clock, calls, first } = rig();
    const initial = first();
    const manager = identityManager(initial, { ...options, random: () => 0.25 });
    const controller = new AbortController();
    const run = manager.run(controller.signal);
    manager.renewUnlessSignedBy(initial.svid.chain[1]?.serial ?? '', 4_000);
    await clock.advance(4_000);
    expect(calls).toEqual([]);
    manager.renewUnlessSignedBy('another', 4_000);
    await clock.advance(999);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toHaveLength(1);
    // It is signed by the old key still: asked for again, but without haste.
    await clock.advance(999);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    expect(calls).toHaveLength(2);
    controller.abort();
    await clock.advance(1);
    await run;
  });

  it('keeps a bundle that comes while a renewal is on its way', async () => {
    const { options, clock, first } = rig();
    const answer = Promise.withResolvers<void>();
    const initial = first();
    const manager = identityManager(initial, {
      ...options,
      obtain: async (...question) => {
        await answer.promise;
        return options.obtain(...question);
      },
    });
    const controller = new AbortController();
    const run = manager.run(controller.signal);
    await clock.advance(LIFETIME_MS / 2);
    const both = bundleWith(initial);
    manager.trust(both);
    answer.resolve();
    await clock.advance(1);
    expect(manager.identity.current.svid).not.toBe(initial.svid);
    expect(manager.identity.current.bundle).toBe(both);
    controller.abort();
    await clock.advance(1);
    await run;
  });
});

function bundleWith({ bundle }: Identity): TrustBundle {
  const roots = [...bundle.x509Authorities, testAuthority().root];
  return TrustBundle.of(bundle.trustDomain, roots);
}
