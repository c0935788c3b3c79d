import { expect, it } from 'vitest';
import { changedFields } from './changed-fields.ts';

it('finds the fields that are another value, by identity and not by content', () => {
  const kept = ['same'];
  const previous = { kept, replaced: ['x'], count: 1, gone: 2 as number | undefined };
  const { gone: _, ...rest } = previous;
  const next: Partial<typeof previous> = { ...rest, replaced: ['x'], count: 2 };
  const changed = changedFields<Partial<typeof previous>>(next, previous);
  expect(changed).toEqual({ replaced: ['x'], count: 2, gone: undefined });
  expect('gone' in changed).toBe(true);
  expect(changedFields(next, next)).toEqual({});
});
