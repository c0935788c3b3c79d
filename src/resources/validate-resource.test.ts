import fc from 'fast-check';
import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../test/kit/validated.ts';
import { validateResource } from './validate-resource.ts';

const strict = `
  apiVersion: security.istio.io/v1beta1
  kind: PeerAuthentication
  metadata: {name: default}
  spec: {mtls: {mode: STRICT}}
`;

function withMetadata(metadata: string): string {
  return `{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: ${metadata}}`;
}

it('stores under the stored version, in the default namespace, with defaults', () => {
  expect(resourceOf(strict)).toEqual({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'default' },
    spec: { mtls: { mode: 'STRICT' } },
  });
  expect(resourceOf(withMetadata('{name: a, namespace: ""}'))).toMatchObject({
    metadata: { namespace: 'default' },
    spec: {},
  });
});

it('takes the namespace that is given for resources without one', () => {
  const value = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } };
  expect(validateResource(value, { defaultNamespace: 'shop' })).toMatchObject({
    resource: { metadata: { namespace: 'shop' } },
  });
});

it('does not touch what it was given', () => {
  const value = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a' },
    stringData: { a: 'b' },
  };
  const before = structuredClone(value);
  validateResource(value);
  expect(value).toEqual(before);
});

it.each([
  ['3', ': a resource is an object with apiVersion, kind and metadata'],
  ['[]', ': a resource is an object with apiVersion, kind and metadata'],
  ['{}', 'apiVersion: is required', 'kind: is required'],
  ['{apiVersion: 1, kind: []}', 'apiVersion: must be a string', 'kind: must be a string'],
  [
    '{apiVersion: v1, kind: Servise}',
    'kind: "Servise" is not a kind that is known here; did you mean "Service"?',
  ],
  [
    '{apiVersion: networking.istio.io/v1, kind: EnvoyFilter}',
    'kind: "EnvoyFilter" is not a kind that is known here',
  ],
  [
    '{apiVersion: security.istio.io/v1alpha1, kind: PeerAuthentication}',
    'apiVersion: "security.istio.io/v1alpha1" does not serve PeerAuthentication; use security.istio.io/v1, security.istio.io/v1beta1',
  ],
  ['{apiVersion: v1, kind: Service}', 'metadata: is required'],
  [withMetadata('x'), 'metadata: must be an object, not "x"'],
  [
    withMetadata('null'),
    'metadata: must be an object, not null; leave the field out if nothing is meant',
  ],
])('refuses what does not say what it is: %s', (yaml, ...problems) => {
  expect(problemsOf(yaml)).toEqual(problems);
});

it.each([
  ['{}', 'metadata.name: is required'],
  ['{name: ""}', 'metadata.name: must not be empty'],
  ['{name: null}', 'metadata.name: is required'],
  ['{name: 7}', 'metadata.name: must be a string, not 7; put it in quotes'],
  [
    '{generateName: a-}',
    'metadata.generateName: is not supported; give the resource a name of its own',
  ],
  [
    '{name: A_b}',
    'metadata.name: "A_b" is not a name here; use lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit',
  ],
  [`{name: ${'a'.repeat(254)}}`, 'metadata.name: has 254 characters; at most 253 are allowed'],
  [
    '{name: a, namespace: a.b}',
    'metadata.namespace: "a.b" is not a name here; use lower case letters, digits and "-", and begin and end with a letter or digit',
  ],
  ['{name: a, lables: {}}', 'metadata.lables: unknown field "lables"; did you mean "labels"?'],
  [
    '{name: a, labels: {version: 1, "on": true}}',
    'metadata.labels.version: must be a string, not 1; put it in quotes',
    'metadata.labels.on: must be a string, not true; put it in quotes',
  ],
  [
    '{name: a, labels: {a: b c}}',
    'metadata.labels.a: "b c" is not a label; use letters, digits, "-", "_" and ".", and begin and end with a letter or digit',
  ],
  [
    '{name: a, labels: {X.com/a: b}}',
    'metadata.labels[X.com/a]: what is before the "/" of a key must be a DNS name in lower case',
  ],
  [
    `{name: a, labels: {a: ${'b'.repeat(64)}}}`,
    'metadata.labels.a: a label has at most 63 characters, this one 64',
  ],
  [
    '{name: a, labels: {a: null}}',
    'metadata.labels.a: must be a string, not null; leave the field out if nothing is meant',
  ],
  [
    '{name: a, annotations: {"a b": x}}',
    'metadata.annotations["a b"]: a key is made of letters, digits, "-", "_" and ".", begins and ends with a letter or digit, and may have a DNS name and "/" before it',
  ],
  [
    `{name: a, annotations: {a: "${'é'.repeat(131_072)}"}}`,
    'metadata.annotations: have 262145 bytes; at most 262144 are allowed',
  ],
  [
    '{name: a, creationTimestamp: yesterday}',
    'metadata.creationTimestamp: is not a time in RFC 3339, such as "2026-01-31T12:00:00Z"',
  ],
  [
    '{name: a, creationTimestamp: "2026-13-31T12:00:00Z"}',
    'metadata.creationTimestamp: is not a time in RFC 3339, such as "2026-01-31T12:00:00Z"',
  ],
  ['{name: a, generation: -1}', 'metadata.generation: must be at least 0, not -1'],
  [
    '{name: a, annotations: {istio.io/dry-run: "true"}}',
    'metadata.annotations[istio.io/dry-run]: is not supported on a PeerAuthentication; remove it',
  ],
  [
    '{name: a, annotations: {internal.istio.io/parents: x, internal.istio.io/parent-namespace: x, internal.istio.io/webhook-always-reject: x}}',
    'metadata.annotations[internal.istio.io/parents]: is set by Istio only; remove it',
    'metadata.annotations[internal.istio.io/parent-namespace]: is set by Istio only; remove it',
    'metadata.annotations[internal.istio.io/webhook-always-reject]: is set by Istio only; remove it',
  ],
])('refuses the metadata %s', (metadata, ...problems) => {
  expect(problemsOf(withMetadata(metadata))).toEqual(problems);
});

it('keeps what stores and controllers note in metadata, and drops what is empty or null', () => {
  const metadata = {
    name: 'a',
    namespace: 'b',
    uid: '0b3c',
    resourceVersion: '17',
    generation: 2,
    creationTimestamp: '2026-01-31T12:00:00Z',
    deletionTimestamp: '2026-01-31T12:00:00.5+02:00',
    deletionGracePeriodSeconds: 0,
    labels: { 'app.kubernetes.io/name': '' },
    annotations: { a: 'anything at all\n' },
    finalizers: ['x/y'],
    ownerReferences: [{ kind: 'Service', name: 'a', blockOwnerDeletion: true }],
    managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }],
  };
  const value = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  expect(validateResource(value)).toMatchObject({ resource: { metadata } });
  const empty = { ...metadata, labels: {}, annotations: null, finalizers: [], selfLink: '' };
  const checked = validateResource({ ...value, metadata: empty });
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...kept } = metadata;
  expect(checked).toMatchObject({ resource: { metadata: kept } });
  expect('resource' in checked && Object.keys(checked.resource.metadata)).toEqual(
    Object.keys(kept),
  );
});

it('reports metadata and body together', () => {
  expect(
    problemsOf(
      '{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: A}, spec: {x: 1}, y: 2}',
    ),
  ).toEqual([
    expect.stringMatching(/^metadata.name: /),
    'y: unknown field "y"',
    'spec.x: unknown field "x"',
  ]);
});

it('reads null in a core kind as not given, but not in a map of labels', () => {
  expect(
    resourceOf(
      '{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1, name: null}], selector: null}}',
    ),
  ).toMatchObject({ spec: { ports: [{ port: 1, protocol: 'TCP' }], type: 'ClusterIP' } });
  expect(
    problemsOf(
      '{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}], selector: {app: null}}}',
    ),
  ).toEqual([
    'spec.selector.app: must be a string, not null; leave the field out if nothing is meant',
  ]);
});

it('lists no more problems than anybody reads', () => {
  const unknown = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`x${index}`, 1]));
  const checked = validateResource({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a' },
    ...unknown,
  });
  expect('problems' in checked && checked.problems.length).toBe(100);
});

it('answers anything that JSON can say, and never throws', () => {
  const words = fc.constantFrom(
    'spec',
    'mtls',
    'mode',
    'rules',
    'from',
    'source',
    'ports',
    'data',
    'selector',
    'matchLabels',
    'type',
    'when',
    'key',
    'values',
    'address',
    'labels',
    'a',
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(words, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }));
  const type = fc.constantFrom(
    ['v1', 'Service'],
    ['v1', 'Secret'],
    ['v1', 'ServiceAccount'],
    ['v1', 'Namespace'],
    ['networking.istio.io/v1alpha3', 'WorkloadEntry'],
    ['security.istio.io/v1beta1', 'PeerAuthentication'],
    ['security.istio.io/v1', 'AuthorizationPolicy'],
  );
  fc.assert(
    fc.property(
      type,
      tree,
      tree,
      fc.dictionary(words, tree),
      ([apiVersion, kind], metadata, spec, rest) => {
        for (const value of [
          metadata,
          { ...rest, apiVersion, kind, metadata, spec },
          { ...rest, apiVersion, kind, metadata: { name: 'a' }, spec },
        ]) {
          const checked = validateResource(value);
          if ('resource' in checked) {
            expect(validateResource(checked.resource)).toEqual(checked);
          } else expect(checked.problems.length).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 500 },
  );
});
