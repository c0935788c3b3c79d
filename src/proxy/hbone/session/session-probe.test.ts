import { describe, expect, it } from 'vitest';
import { SessionProbe } from './session-probe.ts';

describe('SessionProbe', () => {
  it('pings while there are streams, and takes who has not answered by the next probe for dead', () => {
    const probe = new SessionProbe(15);
    expect(probe.next(1)).toBe('ping');
    probe.answered();
    expect(probe.next(2)).toBe('ping');
    expect(probe.next(2)).toBe('dead');
  });

  it('lets a session without streams be, and gives it up when it was so for long', () => {
    const probe = new SessionProbe(3);
    const steps = Array.from({ length: 4 }, () => probe.next(0));
    expect(steps).toEqual(['nothing', 'nothing', 'nothing', 'drain']);
  });

  it('begins to count anew after a stream', () => {
    const probe = new SessionProbe(2);
    expect([probe.next(0), probe.next(0)]).toEqual(['nothing', 'nothing']);
    expect(probe.next(1)).toBe('ping');
    probe.answered();
    expect([probe.next(0), probe.next(0), probe.next(0)]).toEqual(['nothing', 'nothing', 'drain']);
  });
});
