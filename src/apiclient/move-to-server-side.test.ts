import { expect, it } from 'vitest';
import { moveToServerSide } from './move-to-server-side.ts';

const names = { manager: 'kubectl', clientSide: 'kubectl-client-side-apply' };
const object = (managedFields: readonly object[]) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cm', resourceVersion: '7', managedFields },
});
const own = { manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {} } } };
const old = {
  ...{ manager: 'kubectl-client-side-apply', operation: 'Update' },
  fieldsV1: { 'f:data': { '.': {}, 'f:b': {} } },
};
const other = { manager: 'else', operation: 'Update', fieldsV1: { 'f:data': { 'f:c': {} } } };

it('hands over what was applied client-side, at the version that was seen', () => {
  const fieldsV1 = { 'f:data': { 'f:a': {}, '.': {}, 'f:b': {} } };
  expect(moveToServerSide(object([old, other, own]), names)).toEqual([
    { op: 'replace', path: '/metadata/managedFields', value: [other, { ...own, fieldsV1 }] },
    { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
  ]);
});

it.each([
  ['nothing was applied client-side', [own, other]],
  ['somebody else applies', [old, { ...own, manager: 'ci' }]],
  ['only the status was written so', [own, { ...old, subresource: 'status' }]],
])('has nothing to do when %s', (_, entries) => {
  expect(moveToServerSide(object(entries), names)).toBeUndefined();
});
