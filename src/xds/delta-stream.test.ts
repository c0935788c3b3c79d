import { beforeEach, describe, expect, it } from 'vitest';
import { ack, contentOf, nack, request, WIDGET } from '../../test/kit/delta-requests.ts';
import { StreamRig } from '../../test/kit/stream-rig.ts';

const GADGET = 'example.org/v1/Gadget';

let rig: StreamRig;

beforeEach(() => {
  rig = new StreamRig();
});

describe('a response in flight', () => {
  it('is the only one of its type until it is answered; changes are gathered', () => {
    rig.handle(request());
    const first = rig.next();
    rig.put('a');
    rig.put('a');
    rig.put('b');
    rig.put('c');
    rig.remove('c');
    expect(rig.sent()).toBeUndefined();
    rig.handle(ack(first));
    expect(rig.sent()).toEqual(['a@2', 'b@3']);
  });

  it('does not hold up other types', () => {
    rig.handle(request());
    rig.handle(request({ typeUrl: GADGET }));
    rig.next();
    expect(rig.next().typeUrl).toBe(GADGET);
    rig.put('a');
    rig.put('g', GADGET);
    expect(rig.sent()).toBeUndefined();
  });

  it('is followed by nothing when it was acknowledged and nothing changed', () => {
    rig.put('a');
    rig.handle(request());
    expect(rig.handle(ack(rig.next()))).toMatchObject({ reply: { kind: 'ack', version: 1 } });
    expect(rig.sent()).toBeUndefined();
  });

  it('is not sent again when it was rejected, until the content changes', () => {
    rig.put('a');
    rig.handle(request());
    const outcome = rig.handle(nack(rig.next(), '"a": bad'));
    expect(outcome.reply).toEqual({ kind: 'nack', version: 1, detail: '"a": bad' });
    expect(rig.sent()).toBeUndefined();
    rig.put('a');
    expect(rig.sent()).toEqual(['a@2']);
  });

  it('is not answered by a stale nonce, whose changes of subscription count', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['a'] }));
    const first = rig.next();
    expect(rig.handle(request({ nonce: 'test-0', subscribe: ['b'] })).reply).toBeUndefined();
    expect(rig.sent()).toBeUndefined();
    expect(rig.handle(ack(first)).reply?.kind).toBe('ack');
    expect(rig.settle()).toEqual(['b@2']);
    expect(rig.handle(nack(first, 'again', { unsubscribe: ['a'] })).reply).toBeUndefined();
    rig.put('a');
    expect(rig.settle()).toEqual([]);
  });

  it('is not answered by the nonce of another type', () => {
    rig.handle(request());
    rig.handle(request({ typeUrl: GADGET }));
    const widgets = rig.next();
    rig.next();
    expect(rig.handle(request({ typeUrl: GADGET, nonce: widgets.nonce })).reply).toBeUndefined();
  });

  it('has a nonce that no other response of the stream has', () => {
    rig.handle(request());
    const nonces = new Set<string>();
    for (let count = 0; count < 20; count++) {
      rig.put('a');
      const response = rig.next();
      nonces.add(response.nonce);
      rig.handle(ack(response));
    }
    expect(nonces.size).toBe(20);
  });

  it('tells since when the oldest waits', () => {
    rig.handle(request());
    rig.handle(request({ typeUrl: GADGET }));
    const first = rig.stream.next(1_000);
    rig.stream.next(2_000);
    expect(rig.stream.inFlightSinceMs).toBe(1_000);
    if (first !== undefined) rig.handle(ack(first));
    expect(rig.stream.inFlightSinceMs).toBe(2_000);
  });
});

describe('a state that is larger than a response may be', () => {
  it('comes in pieces, each after the ACK of the one before, the last marked', () => {
    for (const name of ['a', 'b', 'c']) rig.put(name);
    rig = new StreamRig({ maxResponseBytes: 300 }, rig.view);
    rig.handle(request());
    const first = rig.next();
    expect([contentOf(first), first.systemVersionInfo]).toEqual([['a@1', 'b@2'], '3+']);
    expect(rig.sent()).toBeUndefined();
    rig.handle(ack(first));
    expect(rig.status?.acknowledged).toBe(0);
    const second = rig.next();
    expect([contentOf(second), second.systemVersionInfo]).toEqual([['c@3'], '3']);
    rig.handle(ack(second));
    expect(rig.status?.acknowledged).toBe(3);
  });

  it('sends a resource that is too large by itself', () => {
    rig.view.put(WIDGET, 'large', { text: 'x'.repeat(1_000) });
    rig.put('a');
    rig = new StreamRig({ maxResponseBytes: 300 }, rig.view);
    rig.handle(request());
    expect(rig.settle()).toEqual(['large@1', 'a@2']);
  });

  it('bounds the number of names as well', () => {
    rig = new StreamRig({ maxResponseNames: 2 });
    rig.handle(request({ subscribe: ['a', 'b', 'c'] }));
    const first = rig.next();
    expect(contentOf(first)).toEqual(['-a', '-b']);
    rig.handle(ack(first));
    expect(rig.sent()).toEqual(['-c']);
  });

  it('leaves out what went before its piece came', () => {
    for (const name of ['a', 'b', 'c']) rig.put(name);
    rig = new StreamRig({ maxResponseNames: 2 }, rig.view);
    rig.handle(request());
    const first = rig.next();
    rig.remove('c');
    rig.handle(ack(first));
    expect(rig.sent()).toBeUndefined();
    expect(rig.status?.acknowledged).toBe(4);
  });
});

describe('progress', () => {
  it('is the newest version once all that is visible was acknowledged, also without a response', () => {
    rig.put('a');
    rig.handle(request());
    const first = rig.next();
    expect(rig.status?.acknowledged).toBe(0);
    rig.handle(ack(first));
    expect(rig.status?.acknowledged).toBe(1);
    rig.put('g', GADGET);
    expect(rig.status?.acknowledged).toBe(2);
  });

  it('stays behind while a change is not acknowledged', () => {
    rig.put('a');
    rig.handle(request());
    rig.settle();
    rig.put('a');
    expect(rig.status?.acknowledged).toBe(1);
    const second = rig.next();
    rig.put('b');
    rig.handle(ack(second));
    expect(rig.status?.acknowledged).toBe(2);
    rig.settle();
    expect(rig.status?.acknowledged).toBe(3);
  });

  it('stays behind a rejected resource until that changes and is accepted', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['a'] }));
    rig.handle(nack(rig.next()));
    expect(rig.status).toMatchObject({ acknowledged: 0, rejected: 'no good' });
    rig.handle(request({ subscribe: ['b'] }));
    rig.settle();
    expect(rig.status).toMatchObject({ acknowledged: 0, rejected: 'no good' });
    rig.put('a');
    rig.settle();
    expect(rig.status).toMatchObject({ acknowledged: 3, rejected: undefined });
  });

  it.each<[string, readonly string[], () => void]>([
    ['is removed', ['a'], () => rig.remove('a')],
    ['is unsubscribed from', ['a'], () => rig.handle(request({ unsubscribe: ['a'] }))],
    ['is no longer covered', ['*'], () => rig.handle(request({ unsubscribe: ['*'] }))],
  ])('goes on when the rejected resource %s', (_how, subscribe, happen) => {
    rig.put('a');
    rig.handle(request({ subscribe: [...subscribe] }));
    rig.handle(nack(rig.next()));
    happen();
    rig.settle();
    expect(rig.status).toMatchObject({ acknowledged: rig.view.version, rejected: undefined });
  });

  it('goes on with the next ACK when a removal was rejected', () => {
    rig.put('a');
    rig.handle(request());
    rig.settle();
    rig.remove('a');
    rig.handle(nack(rig.next()));
    expect(rig.status).toMatchObject({ acknowledged: 1, rejected: 'no good' });
    rig.put('b');
    rig.settle();
    expect(rig.status).toMatchObject({ acknowledged: 3, rejected: undefined });
  });

  it('keeps no more of a long NACK than is read', () => {
    rig.put('a');
    rig.handle(request());
    rig.handle(nack(rig.next(), 'x'.repeat(100_000)));
    expect(rig.status?.rejected?.length).toBe(4_096);
  });
});
