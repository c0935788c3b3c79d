import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { parseAwaitedState } from './awaited-state.ts';

const object = (status: object, generation = 2): ApiObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'x', generation },
  status,
});
const ready = (status: string, observedGeneration?: number): ApiObject =>
  object({ conditions: [{ type: 'Ready', status, observedGeneration }] });

function holds(text: string, one: ApiObject): boolean {
  const state = parseAwaitedState(text);
  if (state.is !== 'so') throw new Error(state.is);
  return state.holds(one);
}

describe('--for', () => {
  it.each<[string, ApiObject, boolean]>([
    ['condition=Ready', ready('True'), true],
    ['condition=ready=true', ready('True'), true],
    ['condition=Ready', ready('False'), false],
    ['condition=Ready=False', ready('False'), true],
    ['condition=Ready', ready('True', 1), false],
    ['condition=Ready', object({}), false],
    ['jsonpath={.status.phase}=Active', object({ phase: 'Active' }), true],
    ['jsonpath=.status.phase=Active', object({ phase: 'Gone' }), false],
    ["jsonpath='{.status.phase}'=Active".replaceAll("'", ''), object({ phase: 'Active' }), true],
    ['jsonpath={.status.count}=3', object({ count: 3 }), true],
    ['jsonpath={.status.ip}', object({ ip: '10.0.0.1' }), true],
    ['jsonpath={.status.ip}', object({}), false],
  ])('%s of %j is %j', (text, one, met) => {
    expect(holds(text, one)).toBe(met);
  });

  it('delete and create are about the object itself', () => {
    expect([parseAwaitedState('delete').is, parseAwaitedState('create').is]).toEqual([
      ...['gone', 'there'],
    ]);
  });

  it.each(['ready', 'condition', 'condition=', 'jsonpath=', 'jsonpath={.a['])(
    'refuses %s',
    (text) => {
      expect(() => parseAwaitedState(text)).toThrow(/--for|JSONPath/);
    },
  );
});
