import { expect, it } from 'vitest';
import { atomicList, mapList, SCHEMA_ANNOTATIONS, setList } from './schema-annotations.ts';

it.each([
  [mapList('port', 'protocol'), 'map', ['port', 'protocol'], 'port'],
  [setList(), 'set', undefined, undefined],
  [atomicList(), 'atomic', undefined, undefined],
])('says how a list merges, in words that schemas may use', (merge, type, keys, patchKey) => {
  expect(merge['x-kubernetes-list-type']).toBe(type);
  expect(merge['x-kubernetes-list-map-keys']).toEqual(keys);
  expect(merge['x-kubernetes-patch-merge-key']).toBe(patchKey);
  const known: readonly string[] = SCHEMA_ANNOTATIONS;
  expect(Object.keys(merge).filter((key) => !known.includes(key))).toEqual([]);
});
