import { beforeEach, describe, expect, it } from 'vitest';
import { OpenRequests } from './open-requests.ts';

let open: OpenRequests;

beforeEach(() => {
  open = new OpenRequests({ most: 2, mostLasting: 1 });
});

describe('OpenRequests', () => {
  it('refuses what is one too many, until a place is given back', () => {
    const first = open.enter();
    open.enter();
    expect(() => open.enter()).toThrow('2 requests are open, please try again later');
    first.leave();
    first.leave();
    open.enter();
    expect(() => open.enter()).toThrow();
  });

  it('lets those who ask in beside those who watch', () => {
    open.enter().last();
    open.enter();
    open.enter();
    expect(() => open.enter()).toThrow(/requests are open/);
  });

  it('refuses a watch too many, which gives its place back like any other', () => {
    const watch = open.enter();
    watch.last();
    const second = open.enter();
    expect(() => second.last()).toThrow('1 watches are open, please try again later');
    second.leave();
    watch.leave();
    open.enter().last();
    open.enter();
    open.enter();
  });
});
