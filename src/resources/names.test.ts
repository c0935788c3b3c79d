import { expect, it } from 'vitest';
import { labelKeyProblem, labelValueProblem, nameProblem } from './names.ts';

const dots = Array.from({ length: 63 }, () => 'abc').join('.');

it.each([
  ['subdomain', 'a', true],
  ['subdomain', 'a.b-c.9', true],
  ['subdomain', `${dots}.a`, true],
  ['subdomain', `${dots}.abc`, false],
  ['subdomain', 'a..b', false],
  ['subdomain', 'a.-b', false],
  ['subdomain', 'A', false],
  ['subdomain', '', false],
  ['label', '9a', true],
  ['label', 'a'.repeat(63), true],
  ['label', 'a'.repeat(64), false],
  ['label', 'a.b', false],
  ['label', 'a-', false],
  ['label', 'a\n', false],
  ['service', 'a9', true],
  ['service', '9a', false],
] as const)('knows whether a %s may be %j: %s', (form, name, good) => {
  expect(nameProblem(name, form) === undefined).toBe(good);
});

it.each([
  ['app', true],
  ['app.kubernetes.io/name', true],
  ['A_b.c-9', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  [`${'a'.repeat(254)}/a`, false],
  ['', false],
  ['/a', false],
  ['a/', false],
  ['a/b/c', false],
  ['Example.com/a', false],
  ['_a', false],
  ['a b', false],
  ['名', false],
  ['__proto__', false],
])('knows whether %j may be the key of a label: %s', (key, good) => {
  expect(labelKeyProblem(key) === undefined).toBe(good);
});

it.each([
  ['', true],
  ['v1', true],
  ['A_b.c-9', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['a b', false],
  ['-a', false],
  ['a/b', false],
])('knows whether %j may be the value of a label: %s', (value, good) => {
  expect(labelValueProblem(value) === undefined).toBe(good);
});

it('answers at once for long text', () => {
  const startedAt = performance.now();
  nameProblem('a-'.repeat(500_000), 'subdomain');
  labelKeyProblem(`${'a.'.repeat(500_000)}!`);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

it.each(['system:node', 'cluster-admin', 'Jane Doe', 'ü'])('takes %j as a path segment', (name) => {
  expect(nameProblem(name, 'path')).toBeUndefined();
});

it.each(['.', '..', 'a/b', 'a%2fb', '', 'a\u0000', 'a'.repeat(254)])(
  'refuses %j as a path segment',
  (name) => {
    expect(nameProblem(name, 'path')).toBeDefined();
  },
);
