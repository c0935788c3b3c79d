import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { fallbackPolicy, reviews, settings } from '../../../test/kit/policies.ts';
import { RecordedEvents } from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import type { FallbackPolicy } from '../../resources/kinds/fallback-policy.ts';
import type { LiveSettings } from '../live-settings.ts';
import { Reporter } from '../reporter.ts';
import { FallbackGuard } from './fallback-guard.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';

function guardWith(spec: FallbackPolicy['spec'] | undefined) {
  const identity = new WatchableValue(testAuthority().identity(ID));
  const notAfterMs = identity.current.svid.chain[0]?.notAfterMs ?? 0;
  const clock = new ManualClock(notAfterMs);
  const events = new RecordedEvents();
  const policies =
    spec === undefined ? [] : [fallbackPolicy(spec, { namespace: 'shop', name: 'p' })];
  const facts = new WatchableValue({ ...noFacts, fallbackPolicies: policies });
  const guard = new FallbackGuard({
    ...{ facts, workload: new WatchableValue(reviews), identity, clock },
    settings: { current: settings } as unknown as LiveSettings,
    reporter: new Reporter(events, clock, () => ID),
  });
  return { guard, clock, facts, events, notAfterMs };
}

describe('FallbackGuard', () => {
  it('speaks plaintext from the millisecond after the certificate, by a policy that says so only', async () => {
    const { guard, clock } = guardWith({ mode: 'Plaintext' });
    expect(guard.speaksPlaintext).toBe(false);
    await clock.advance(1);
    expect(guard.speaksPlaintext).toBe(true);
    expect(guard.keepForMs).toBe(0);
    for (const spec of [undefined, { mode: 'KeepLast', keepFor: '1h' }] as const) {
      const other = guardWith(spec);
      await other.clock.advance(1);
      expect(other.guard.speaksPlaintext).toBe(false);
    }
  });

  it('keeps the last certificate for as long as the policy says, and forgets it with the policy', () => {
    const { guard, facts } = guardWith({ mode: 'KeepLast', keepFor: '1h' });
    expect(guard.keepForMs).toBe(3_600_000);
    facts.set({ ...facts.current, fallbackPolicies: [] });
    expect(guard.keepForMs).toBe(0);
    expect(guardWith(undefined).guard.keepForMs).toBe(0);
  });

  it('tells whose certificate was used, by which policy', () => {
    const { guard, events, notAfterMs } = guardWith({ mode: 'KeepLast', keepFor: '1h' });
    guard.ownUsed('outbound');
    expect(events.fallbacks).toMatchObject([
      {
        direction: 'outbound',
        whose: 'own',
        id: ID,
        notAfterMs,
        policy: 'shop/p',
        mode: 'KeepLast',
      },
    ]);
  });
});
