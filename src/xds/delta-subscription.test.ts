import { beforeEach, describe, expect, it } from 'vitest';
import { ack, request } from '../../test/kit/delta-requests.ts';
import { StreamRig } from '../../test/kit/stream-rig.ts';

let rig: StreamRig;

beforeEach(() => {
  rig = new StreamRig();
});

describe('a wildcard subscription', () => {
  it.each([
    ['by the name "*"', ['*']],
    ['by a first request without names', []],
  ])('%s is sent everything, in one response', (_how, subscribe) => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe }));
    expect(rig.sent()).toEqual(['a@1', 'b@2']);
    expect(rig.sent()).toBeUndefined();
  });

  it('is answered although there is nothing, so that the client knows', () => {
    rig.handle(request());
    expect(rig.sent()).toEqual([]);
  });

  it('is sent what is new, what changed and what is gone, and nothing else', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request());
    rig.settle();
    rig.put('c');
    rig.put('a');
    rig.remove('b');
    expect(rig.sent()).toEqual(['c@3', 'a@4', '-b']);
  });

  it('goes on beside names that are added to it, and ends by unsubscribing from "*"', () => {
    rig.put('a');
    rig.handle(request());
    rig.settle();
    rig.handle(request({ subscribe: ['b'] }));
    expect(rig.settle()).toEqual(['-b']);
    rig.put('c');
    expect(rig.settle()).toEqual(['c@2']);
    rig.handle(request({ unsubscribe: ['*'] }));
    rig.put('a');
    rig.put('c');
    rig.put('b');
    expect(rig.settle()).toEqual(['b@5']);
  });

  it('can be taken up again after it was given up, and is then sent everything', () => {
    rig.put('a');
    rig.handle(request());
    rig.settle();
    rig.handle(request({ unsubscribe: ['*'] }));
    rig.remove('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['*'] }));
    expect(rig.settle()).toEqual(['b@3']);
  });

  it('that is asked for again is sent everything again, with what went meanwhile', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request());
    const first = rig.next();
    rig.remove('b');
    rig.handle(ack(first, { subscribe: ['*'] }));
    expect(rig.sent()?.toSorted()).toEqual(['-b', 'a@1']);
  });

  it('that is given up and taken up again is told of the removal of what was under way', () => {
    rig.put('a');
    rig.handle(request());
    const first = rig.next();
    rig.remove('a');
    rig.handle(request({ unsubscribe: ['*'] }));
    rig.handle(request({ subscribe: ['*'] }));
    rig.handle(ack(first));
    expect(rig.settle()).toEqual(['-a']);
  });

  it('that is given up is forgotten once nothing is under way', () => {
    rig.put('a');
    rig.handle(request());
    const first = rig.next();
    rig.handle(request({ unsubscribe: ['*'] }));
    rig.handle(ack(first));
    rig.remove('a');
    rig.handle(request({ subscribe: ['*'] }));
    expect(rig.settle()).toEqual([]);
  });

  it('that is asked for again is answered although there is nothing', () => {
    rig.handle(request());
    rig.settle();
    rig.handle(request({ subscribe: ['*'] }));
    expect(rig.sent()).toEqual([]);
  });

  it('is not taken up by a later request without names', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.handle(request({ unsubscribe: ['a'] }));
    rig.handle(request());
    rig.put('a');
    rig.put('b');
    expect(rig.settle()).toEqual([]);
  });
});

describe('a subscription by name', () => {
  it('is sent what it names and no more', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@1']);
    rig.put('b');
    expect(rig.sent()).toBeUndefined();
    rig.put('a');
    expect(rig.settle()).toEqual(['a@4']);
  });

  it('is told that a name is unknown, and is sent it when it appears', () => {
    rig.handle(request({ subscribe: ['a', 'b'] }));
    expect(rig.settle()).toEqual(['-a', '-b']);
    rig.put('b');
    expect(rig.settle()).toEqual(['b@1']);
    expect(rig.sent()).toBeUndefined();
  });

  it('is told once that a resource is gone, and is sent it when it comes back', () => {
    rig.put('a');
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.remove('a');
    expect(rig.settle()).toEqual(['-a']);
    rig.put('a');
    expect(rig.settle()).toEqual(['a@3']);
  });

  it('of a held name is answered again', () => {
    rig.put('a');
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.handle(request({ subscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@1']);
  });

  it('of a name held by wildcard is answered again', () => {
    rig.put('a');
    rig.handle(request());
    rig.settle();
    rig.handle(request({ subscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@1']);
  });

  it('of an unknown name is answered again', () => {
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.handle(request({ subscribe: ['a'] }));
    expect(rig.settle()).toEqual(['-a']);
  });

  it('ends silently by unsubscribing', () => {
    rig.put('a');
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.handle(request({ unsubscribe: ['a'] }));
    expect(rig.sent()).toBeUndefined();
    rig.put('a');
    expect(rig.sent()).toBeUndefined();
    rig.handle(request({ subscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@2']);
  });

  it('is answered for a name that is in both lists', () => {
    rig.put('a');
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.handle(request({ subscribe: ['a'], unsubscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@1']);
  });

  it('is answered for a name that came and went before it could be sent', () => {
    rig.handle(request({ subscribe: ['a'] }));
    rig.settle();
    rig.put('b');
    rig.handle(request({ subscribe: ['b'] }));
    const first = rig.next();
    rig.put('a');
    rig.remove('a');
    rig.handle(ack(first));
    expect(rig.settle()).toEqual(['-a']);
  });

  it('in the first request of a stream holds, whatever that unsubscribes from', () => {
    rig.put('a');
    rig.handle(request({ subscribe: ['a'], unsubscribe: ['a', '*'] }));
    expect(rig.settle()).toEqual(['a@1']);
    rig.put('b');
    expect(rig.settle()).toEqual([]);
  });

  it('of a name that is removed before its answer is told so', () => {
    rig.put('a');
    rig.put('b');
    rig.handle(request({ subscribe: ['b'] }));
    const first = rig.next();
    rig.handle(request({ subscribe: ['a'] }));
    rig.remove('a');
    rig.handle(ack(first));
    expect(rig.settle()).toEqual(['-a']);
  });
});

describe('unsubscribing from a name that the wildcard covers too', () => {
  beforeEach(() => {
    rig.put('a');
    rig.handle(request({ subscribe: ['*', 'a', 'gone'] }));
    rig.settle();
  });

  it('is answered with the resource, which stays', () => {
    rig.handle(request({ unsubscribe: ['a'] }));
    expect(rig.settle()).toEqual(['a@1']);
    rig.put('a');
    expect(rig.settle()).toEqual(['a@2']);
  });

  it('is answered with its removal when there is none', () => {
    rig.handle(request({ unsubscribe: ['gone'] }));
    expect(rig.settle()).toEqual(['-gone']);
  });

  it('is answered with its removal when it went meanwhile', () => {
    rig.put('b');
    const first = rig.next();
    rig.handle(request({ unsubscribe: ['a'] }));
    rig.remove('a');
    rig.handle(ack(first));
    expect(rig.settle()).toEqual(['-a']);
  });
});

describe('a reconnecting client', () => {
  beforeEach(() => {
    for (const name of ['same', 'newer', 'unseen']) rig.put(name);
  });

  it('of everything is sent what it lacks and told what went, and nothing unchanged', () => {
    rig.handle(
      request({ subscribe: ['*'], initial: { same: '1', newer: 'old', gone: '7' }, nonce: 'x-9' }),
    );
    expect(rig.sent()?.toSorted()).toEqual(['-gone', 'newer@2', 'unseen@3']);
  });

  it('is answered although it has everything', () => {
    rig.handle(request({ initial: { same: '1', newer: '2', unseen: '3' } }));
    expect(rig.sent()).toEqual([]);
    expect(rig.status?.acknowledged).toBe(0);
  });

  it('by name is sent what it lacks of these, told what went, and nothing of others', () => {
    rig.handle(
      request({
        subscribe: ['same', 'newer', 'gone', 'never'],
        initial: { same: '1', newer: 'old', gone: '7', unseen: 'old', other: '1' },
      }),
    );
    expect(rig.sent()?.toSorted()).toEqual(['-gone', '-never', 'newer@2']);
  });

  it('may say what it has in its first request only', () => {
    rig.handle(request());
    rig.settle();
    rig.handle(request({ initial: { gone: '7' } }));
    expect(rig.settle()).toEqual([]);
  });
});
