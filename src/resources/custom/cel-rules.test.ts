import { expect, it } from 'vitest';
import { definitionProblems, Widgets, widgets } from '../../../test/kit/custom-resources.ts';

const FIELDS =
  'a: {type: integer}, b: {type: integer}, url: {type: string}, x-kind: {type: string}, tags: {type: array, items: {type: string}}';
const ruled = (rule: string, more = '') =>
  new Widgets(
    `{type: object, properties: {${FIELDS}}, x-kubernetes-validations: [{rule: "${rule}", message: no${more}}]}`,
  );

it.each([
  ['!has(self.a) || self.a < 5', '{a: 4}', '{a: 5}'],
  ['self.a + self.b == 3', '{a: 1, b: 2}', '{a: 1, b: 3}'],
  ["self.tags.all(t, t.matches('^(?i)[a-z]+$'))", '{tags: [A, b]}', '{tags: [a1]}'],
  ["self.tags.size() <= 1 && !('x' in self.tags)", '{tags: [a]}', '{tags: [x]}'],
  ["url(self.url).getScheme() in ['http', 'https']", '{url: "https://a"}', '{url: "ftp://a"}'],
  ['isURL(self.url)', '{url: "a:b"}', '{url: x}'],
  ["self.x__dash__kind == 'x'", '{x-kind: x}', '{x-kind: y}'],
  ["self.url.lowerAscii().startsWith('ab')", '{url: ABc}', '{url: c}'],
])('judges by the rule %s', (rule, good, bad) => {
  const kind = ruled(rule);
  expect(kind.problems(good)).toEqual([]);
  expect(kind.problems(bad)).toEqual(['spec: no']);
});

it('says what the rule says, of the field that it names', () => {
  const kind = ruled(
    'self.a < 5',
    ', fieldPath: .a, messageExpression: "\'got \' + string(self.a)"',
  );
  expect(kind.problems('{a: 7}')).toEqual(['spec.a: got 7']);
});

it('compares with what was there before on updates only', () => {
  const kind = new Widgets(
    '{type: object, properties: {a: {type: integer, x-kubernetes-validations: [{rule: self >= oldSelf, message: only up}]}}}',
  );
  expect(kind.problems('{a: 1}')).toEqual([]);
  expect(kind.updateProblems('{a: 1}', '{a: 2}')).toEqual([]);
  expect(kind.updateProblems('{a: 2}', '{a: 1}')).toEqual(['spec.a: only up']);
  expect(kind.updateProblems('{}', '{a: 1}')).toEqual([]);
});

it('compares items of a list by their keys, wherever they are in it', () => {
  const kind = new Widgets(
    '{type: object, properties: {list: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n], items: {type: object, properties: {n: {type: string}, v: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: fixed}]}}}}}}',
  );
  const old = '{list: [{n: a, v: x}, {n: b, v: y}]}';
  expect(kind.updateProblems(old, '{list: [{n: b, v: y}, {n: a, v: x}, {n: c, v: z}]}')).toEqual(
    [],
  );
  expect(kind.updateProblems(old, '{list: [{n: b, v: z}]}')).toEqual(['spec.list[0].v: fixed']);
});

it('judges the keys and values of maps', () => {
  const kind = new Widgets(
    '{type: object, additionalProperties: {type: string, x-kubernetes-validations: [{rule: "self.size() > 0", message: empty}]}, x-kubernetes-validations: [{rule: "self.all(k, k.startsWith(\'x-\'))", message: bad key}]}',
  );
  expect(kind.problems('{x-a: b}')).toEqual([]);
  expect(kind.problems('{a: ""}')).toEqual(['spec: bad key', 'spec.a: empty']);
});

it('refuses what a rule cannot be evaluated of, and says why', () => {
  const [problem] = ruled('self.a.foo()').problems('{a: 1}');
  expect(problem).toMatch(/^spec: rule "self\.a\.foo\(\)" could not be evaluated: /);
  expect(ruled('self.a').problems('{a: 1}')).toEqual([
    'spec: rule "self.a" could not be evaluated: it gives no yes or no',
  ]);
});

it('does not go over a long list again and again', () => {
  const kind = ruled('self.tags.all(a, self.tags.exists_one(b, a == b))');
  const tags = (count: number) => `{tags: [${Array.from({ length: count }, (_, i) => `t${i}`)}]}`;
  expect(kind.problems(tags(50))).toEqual([]);
  expect(kind.problems(tags(1_001))).toEqual([
    'spec: has a list or map of 1001, too long for a rule that goes over it so often',
  ]);
});

it.each([
  ['self.a ==', /is not an expression of CEL/],
  ['self.all(a, self.all(b, self.all(c, true)))', /goes over lists within lists within lists/],
])('refuses a definition with the rule %s', (rule, problem) => {
  const yaml = widgets(`{type: object, x-kubernetes-validations: [{rule: "${rule}"}]}`);
  const [first] = definitionProblems(yaml);
  expect(first).toMatch(/properties\.spec\.x-kubernetes-validations\[0\]: /);
  expect(first).toMatch(problem);
});
