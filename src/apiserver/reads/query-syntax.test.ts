import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileJsonPath } from '../../resources/json-path.ts';
import { parseTarget } from '../request-target.ts';
import { StatusError } from '../status-error.ts';
import { byPriority } from '../version-order.ts';
import { parseFieldQuery } from './field-query.ts';
import { humanDuration } from './human-duration.ts';
import { parseLabelQuery } from './label-query.ts';
import { chooseRepresentation } from './representation.ts';

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front', weight: '5', 'a.b/c': '' };

  it.each([
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app!=web', false],
    ['app in (web, db)', true],
    ['app notin (web)', false],
    ['none notin (web)', true],
    ['none!=x', true],
    ['!none', true],
    ['!app', false],
    ['a.b/c', true],
    ['a.b/c=', true],
    ['weight>4,weight<6', true],
    ['weight>5', false],
    ['app>1', false],
    ['app=', false],
  ])('reads %s', (text, expected) => {
    expect(parseLabelQuery(text)(labels)).toBe(expected);
  });

  it.each([
    'app=web,',
    ',',
    'a b',
    'app in web',
    'app=(x',
    '=x',
    'app in (a',
    'w>x',
    'a=b c',
    '-a=b',
  ])('refuses %s', (text) => {
    expect(() => parseLabelQuery(text)).toThrow(/unable to parse requirement/);
  });

  it('reads or refuses any text, never anything else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          expect(typeof parseLabelQuery(text)(labels)).toBe('boolean');
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
        }
      }),
    );
  });

  it('never looks at what an object inherits', () => {
    expect(parseLabelQuery('constructor')({})).toBe(false);
  });
});

describe('a field selector', () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'a', namespace: 'n' },
    type: 'x,y',
  };

  it('takes names, namespaces and what the kind says', () => {
    const query = parseFieldQuery('metadata.name=a,metadata.namespace!=m,type=x\\,y', ['type']);
    expect(query.matches(secret)).toBe(true);
    expect(query.name).toBe('a');
    expect(query.namespace).toBeUndefined();
    expect(parseFieldQuery('type!=x\\,y', ['type']).matches(secret)).toBe(false);
  });

  it('refuses other fields in the words that clients look for', () => {
    expect(() => parseFieldQuery('spec.x=1')).toThrow('field label not supported: spec.x');
    expect(() => parseFieldQuery('metadata.name')).toThrow(/invalid selector/);
  });
});

it.each([
  [0, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [125_000, '2m5s'],
  [600_000, '10m'],
  [179 * 60_000, '179m'],
  [180 * 60_000, '3h'],
  [3 * 3_600_000 + 300_000, '3h5m'],
  [8 * 3_600_000 + 300_000, '8h'],
  [47 * 3_600_000, '47h'],
  [48 * 3_600_000, '2d'],
  [50 * 3_600_000, '2d2h'],
  [192 * 3_600_000, '8d'],
  [729 * 86_400_000, '729d'],
  [731 * 86_400_000, '2y1d'],
  [8 * 365 * 86_400_000, '8y'],
  [-5_000, '<invalid>'],
])('shows an age of %d ms as %s', (ms, expected) => {
  expect(humanDuration(ms)).toBe(expected);
});

it.each([
  ['.spec.host', ['h']],
  ['{.spec.host}', ['h']],
  ['.spec.list[*].n', [1, 2]],
  ['.spec.list[1].n', [2]],
  ['.spec.conditions[?(@.type=="Ready")].status', ['True']],
  ['.metadata.annotations.a\\.b/c', ['x']],
  ["['spec']['host']", ['h']],
  ['.spec.none.at.all', []],
])('finds what the JSON path %s says', (path, expected) => {
  const value = {
    metadata: { annotations: { 'a.b/c': 'x' } },
    spec: {
      host: 'h',
      list: [{ n: 1 }, { n: 2 }],
      conditions: [{ type: 'X' }, { type: 'Ready', status: 'True' }],
    },
  };
  expect(compileJsonPath(path)?.(value)).toEqual(expected);
});

it('knows which JSON paths it does not know', () => {
  expect(compileJsonPath('..spec')).toBeUndefined();
  expect(compileJsonPath('.a[?(@.b>1)]')).toBeUndefined();
});

it.each([
  ['/api', { at: 'core-versions' }],
  ['/apis/', { at: 'groups' }],
  ['/apis/g', { at: 'group', group: 'g' }],
  ['/apis/g/v1', { at: 'group-version', group: 'g', version: 'v1' }],
  ['/api/v1/namespaces', { at: 'resource', group: '', version: 'v1', resource: 'namespaces' }],
  [
    '/api/v1/namespaces/a',
    { at: 'resource', group: '', version: 'v1', resource: 'namespaces', name: 'a' },
  ],
  [
    '/api/v1/namespaces/a/status',
    {
      at: 'resource',
      group: '',
      version: 'v1',
      resource: 'namespaces',
      name: 'a',
      subresource: 'status',
    },
  ],
  [
    '/apis/g/v1/namespaces/a/things/b/status',
    {
      at: 'resource',
      group: 'g',
      version: 'v1',
      namespace: 'a',
      resource: 'things',
      name: 'b',
      subresource: 'status',
    },
  ],
  ['/openapi/v3/api/v1', { at: 'other', path: '/openapi/v3/api/v1' }],
  ['/', { at: 'other', path: '/' }],
  ['/apis/g/v1/x/y/z/w', undefined],
  ['/api/v1/%2e%2e/secrets', undefined],
  ['/api//v1', undefined],
  ['/api/%zz', undefined],
  [`/api/v1/${'x'.repeat(3_000)}`, undefined],
])('reads the path %s', (path, expected) => {
  expect(parseTarget(path)).toEqual(expected);
});

it('sorts versions as Kubernetes does', () => {
  const versions = ['v1alpha1', 'foo', 'v2', 'v1', 'v10beta3', 'v1beta1', 'v1beta2', 'v10', 'bar'];
  expect(versions.toSorted(byPriority)).toEqual([
    'v10',
    'v2',
    'v1',
    'v10beta3',
    'v1beta2',
    'v1beta1',
    'v1alpha1',
    'bar',
    'foo',
  ]);
});

it.each([
  [undefined, { as: 'object' }],
  ['*/*', { as: 'object' }],
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { as: 'table', version: 'v1' }],
  ['application/json;as=Unknown;v=v1;g=meta.k8s.io,application/json', { as: 'object' }],
  ['application/vnd.kubernetes.protobuf,application/json', { as: 'object' }],
  [
    'application/json;q=0.1,application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    { as: 'partial', version: 'v1' },
  ],
])('answers Accept %s', (accept, expected) => {
  expect(chooseRepresentation(accept)).toEqual(expected);
});

it('has nothing for who takes only what it has not', () => {
  expect(() => chooseRepresentation('text/html')).toThrow(/only the following media types/);
});
