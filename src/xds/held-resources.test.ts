import { beforeEach, expect, it } from 'vitest';
import { HeldResources } from './held-resources.ts';
import type { ReceivedResource, ResourceDelta } from './resource-sink.ts';

const TYPE = 'example.org/v1/Widget';
let held: HeldResources<string>;

beforeEach(() => {
  held = new HeldResources({ decode: textOf });
});

function textOf({ bytes }: ReceivedResource): string {
  const text = new TextDecoder().decode(bytes);
  if (text === 'bad') throw new Error('it is bad');
  return text;
}

function resource(name: string, version: string, text = `${name}${version}`): ReceivedResource {
  return { name, version, typeUrl: 'text', bytes: new TextEncoder().encode(text) };
}

function delta(resources: readonly ReceivedResource[], removed: string[] = []): ResourceDelta {
  return { typeUrl: TYPE, resources, removed, complete: true };
}

function values(): readonly string[] {
  return [...held.of(TYPE).values()].map(({ value }) => value);
}

it('holds the newest of each name, and its version', () => {
  expect(held.apply(delta([resource('a', '1'), resource('b', '2')]))).toEqual([]);
  held.apply(delta([resource('a', '3')], ['b', 'unknown']));
  expect(values()).toEqual(['a3']);
  expect(held.versions(TYPE)).toEqual(new Map([['a', '3']]));
  expect(held.size).toBe(1);
});

it('rejects a bad resource alone and keeps its last good version', () => {
  held.apply(delta([resource('a', '1'), resource('b', '1')]));
  const rejections = held.apply(delta([resource('a', '2', 'bad'), resource('b', '2')]));
  expect(rejections).toEqual([{ name: 'a', reason: 'it is bad' }]);
  expect(values()).toEqual(['a1', 'b2']);
  expect(held.versions(TYPE).get('a')).toBe('1');
});

it.each([
  ['two resources', delta([resource('a', '2'), resource('b', '2'), resource('a', '3')])],
  ['a resource and a removal', delta([resource('a', '2'), resource('b', '2')], ['a'])],
  ['two removals', delta([resource('b', '2')], ['a', 'a'])],
])('rejects a name that is in %s, and keeps what it had', (_what, twice) => {
  held.apply(delta([resource('a', '1')]));
  expect(held.apply(twice).map(({ name }) => name)).toEqual(['a']);
  expect(values()).toEqual(['a1', 'b2']);
});

it.each([
  ['no name', resource('', '1')],
  ['no version', resource('a', '')],
  ['a long name', resource('x'.repeat(513), '1')],
  ['a long version', resource('a', 'x'.repeat(513))],
])('rejects a resource with %s', (_what, odd) => {
  expect(held.apply(delta([odd]))).toHaveLength(1);
  expect(held.size).toBe(0);
});

it('rejects what is more than it may hold, and still takes changes of what it holds', () => {
  held = new HeldResources({ decode: textOf, maxResources: 1 });
  held.apply(delta([resource('a', '1')]));
  const rejections = held.apply(delta([resource('b', '2'), resource('a', '3')]));
  expect(rejections.map(({ name }) => name)).toEqual(['b']);
  expect(values()).toEqual(['a3']);
  expect(held.apply(delta([resource('b', '4')], ['a']))).toEqual([]);
});

it('counts its changes', () => {
  held.apply(delta([resource('a', '1')]));
  held.restore(TYPE, 'b', { version: '1', value: 'b1' });
  expect(held.changes).toBe(2);
  held.apply(delta([resource('c', '1', 'bad')], ['unknown']));
  expect(held.changes).toBe(2);
  held.apply(delta([], ['a']));
  expect(held.changes).toBe(3);
});
