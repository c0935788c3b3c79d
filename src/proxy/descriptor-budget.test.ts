import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { DescriptorBudget } from './descriptor-budget.ts';

describe('DescriptorBudget', () => {
  it('lets connections stay until the last descriptors, which it keeps', () => {
    const budget = new DescriptorBudget({ clock: new ManualClock(), limit: () => 80 });
    expect(budget.admit(69)).toBe('stays');
    expect(budget.admit(70)).toEqual({
      refused:
        'this process may have 80 file descriptors and keeps the last 10 for itself; raise the limit (ulimit -n, LimitNOFILE)',
      isNews: true,
    });
  });

  it('keeps no more than 64', () => {
    const budget = new DescriptorBudget({ clock: new ManualClock(), limit: () => 1_048_576 });
    expect(budget.admit(1_048_511)).toBe('stays');
    expect(budget.admit(1_048_512)).not.toBe('stays');
  });

  it('is news once a second', async () => {
    const clock = new ManualClock();
    const budget = new DescriptorBudget({ clock, limit: () => 64 });
    expect(budget.admit(60)).toMatchObject({ isNews: true });
    expect(budget.admit(60)).toMatchObject({ isNews: false });
    await clock.advance(1_000);
    expect(budget.admit(60)).toMatchObject({ isNews: true });
  });

  it('follows the limit within a second, and bounds nothing where there is none', async () => {
    const clock = new ManualClock();
    let limit: number | undefined = 64;
    const budget = new DescriptorBudget({ clock, limit: () => limit });
    expect(budget.admit(60)).not.toBe('stays');
    limit = 20_000;
    await clock.advance(1_000);
    expect(budget.admit(60)).toBe('stays');
    limit = undefined;
    await clock.advance(1_000);
    expect(budget.admit(1_000_000)).toBe('stays');
  });
});
