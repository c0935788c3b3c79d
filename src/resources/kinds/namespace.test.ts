import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';

it('is in no namespace and carries its name as a label', () => {
  const yaml =
    '{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}, spec: {finalizers: [kubernetes]}, status: {phase: Active}}';
  expect(resourceOf(yaml)).toEqual({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { a: 'b', 'kubernetes.io/metadata.name': 'shop' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
});

it.each([
  [
    '{name: shop, namespace: default}',
    'metadata.namespace: a Namespace is in no namespace; leave it out',
  ],
  [
    '{name: a.b}',
    'metadata.name: "a.b" is not a name here; use lower case letters, digits and "-", and begin and end with a letter or digit',
  ],
])('refuses the metadata %s', (metadata, problem) => {
  expect(problemsOf(`{apiVersion: v1, kind: Namespace, metadata: ${metadata}}`)).toEqual([problem]);
});
