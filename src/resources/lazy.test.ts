import { expect, it } from 'vitest';
import { lazy } from './lazy.ts';

it('makes nothing before it is asked, and then once', () => {
  let made = 0;
  const value = lazy(() => {
    made += 1;
    return undefined;
  });
  expect(made).toBe(0);
  expect([value(), value(), made]).toEqual([undefined, undefined, 1]);
});
