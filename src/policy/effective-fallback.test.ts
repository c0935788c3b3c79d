import { describe, expect, it } from 'vitest';
import { fallbackPolicy, reviews, settings } from '../../test/kit/policies.ts';
import { effectiveFallback } from './effective-fallback.ts';

const root = { namespace: 'istio-system' };
const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });
const selector = { matchLabels: { app: 'reviews' } };
const keep = fallbackPolicy({ mode: 'KeepLast', keepFor: '90m' }, { ...root, name: 'mesh' });
const deny = fallbackPolicy({ mode: 'Deny' }, { name: 'namespace' });
const plain = fallbackPolicy({ mode: 'Plaintext', selector }, { name: 'workload' });

const by = (...policies: ReturnType<typeof fallbackPolicy>[]) =>
  effectiveFallback(policies, reviews, settings).by;

describe('the fallback of a workload', () => {
  it('is to deny where nobody says anything', () => {
    expect(effectiveFallback([], reviews, settings)).toEqual({ mode: 'Deny', by: undefined });
  });

  it('is what the narrowest policy says, whole', () => {
    expect(effectiveFallback([keep], reviews, settings)).toEqual({
      ...{ mode: 'KeepLast', keepForMs: 5_400_000, by: 'istio-system/mesh' },
    });
    expect(by(keep, deny)).toBe('shop/namespace');
    expect(by(plain, keep, deny)).toBe('shop/workload');
  });

  it('is the oldest of a scope', () => {
    const other = fallbackPolicy({ mode: 'Plaintext' }, { name: 'younger', ...at(2) });
    expect(by(other, { ...deny, metadata: { ...deny.metadata, ...at(1) } })).toBe('shop/namespace');
  });

  it.each([
    ['another namespace', fallbackPolicy({ mode: 'Plaintext' }, { namespace: 'bank' })],
    [
      'other workloads',
      fallbackPolicy({ mode: 'Plaintext', selector: { matchLabels: { app: 'x' } } }),
    ],
    ['selected workloads of the root namespace', fallbackPolicy({ mode: 'Deny', selector }, root)],
  ])('is not that of %s', (_, policy) => {
    expect(by(policy)).toBeUndefined();
  });
});
