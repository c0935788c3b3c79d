import { expect, it } from 'vitest';
import { MAX_PROBLEMS } from './field-problem.ts';
import type { KindDefinition } from './kind-definition.ts';
import { secret } from './kinds/secret.ts';
import type { Resource } from './resource.ts';
import { validateUpdate } from './validate-update.ts';

const definition: KindDefinition = {
  ...secret,
  validateUpdate: (old, resource, report, version) => {
    if (old['type'] !== resource['type']) report('type', `is fixed in ${version}`);
  },
};
const resource = (type: string): Resource => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a' },
  type,
});

it('says what of a stored resource may not change', () => {
  const old = resource('Opaque');
  expect(validateUpdate(old, resource('Opaque'), { definition, version: 'v1' })).toEqual([]);
  expect(validateUpdate(old, resource('other'), { definition, version: 'v1' })).toEqual([
    { field: 'type', message: 'is fixed in v1', reason: 'immutable' },
  ]);
});

it('says so often at most', () => {
  const talkative: KindDefinition = {
    ...definition,
    validateUpdate: (_old, _resource, report) => {
      for (let field = 0; field < 1_000; field += 1) report(`data[${field}]`, 'is fixed');
    },
  };
  const a = resource('Opaque');
  expect(validateUpdate(a, a, { definition: talkative })).toHaveLength(MAX_PROBLEMS);
});
