import { describe, expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { acceptNewer, refreshIntervalMs } from './bundle-refresh.ts';

describe('refreshIntervalMs', () => {
  it.each([
    [undefined, 300_000],
    [60_000, 60_000],
    [0, 1_000],
    [1e12, 86_400_000],
  ])('of the hint %s is %s', (hint, interval) => {
    expect(refreshIntervalMs(hint)).toBe(interval);
  });
});

describe('acceptNewer', () => {
  const one = testAuthority({ trustDomain: 'partner.example' });
  const two = testAuthority({ trustDomain: 'partner.example' });
  const bundle = (authority: typeof one, sequence: number): TrustBundle =>
    TrustBundle.of(authority.trustDomain, [authority.root], { sequence });

  it('takes the first, and one with a higher sequence', () => {
    const first = bundle(one, 3);
    expect(acceptNewer(undefined, first)).toBe(first);
    const next = bundle(two, 4);
    expect(acceptNewer(first, next)).toBe(next);
  });

  it('keeps what is held when the endpoint says the same', () => {
    const held = bundle(one, 3);
    expect(acceptNewer(held, bundle(one, 3))).toBe(held);
  });

  it('takes other content under the same number: not every publisher counts', () => {
    const next = bundle(two, 0);
    expect(acceptNewer(bundle(one, 0), next)).toBe(next);
  });

  it('refuses an older one, which would bring back withdrawn authorities', () => {
    expect(() => acceptNewer(bundle(one, 3), bundle(two, 2))).toThrow(/sequence 2, and 3 is held/);
  });
});
