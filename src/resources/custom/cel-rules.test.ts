import { describe, expect, it } from 'vitest';
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
    '{type: object, properties: {list: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n], items: {type: object, required: [n], properties: {n: {type: string}, v: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: fixed}]}}}}}}',
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
  expect(ruled('self.tags[3] == self.url').problems('{tags: [], url: x}')).toEqual([
    expect.stringMatching(/^spec: rule "self\.tags\[3\] == self\.url" could not be evaluated: /),
  ]);
});

it.each([
  ['quantity(self.url).isGreaterThan(quantity("1Gi"))', '2Gi', '1Mi'],
  ['isQuantity(self.url) && quantity(self.url).add(1).asInteger() == 3', '2', '3'],
  ['cidr("10.0.0.0/8").containsIP(self.url)', '10.1.2.3', '11.0.0.1'],
  ['isCIDR(self.url) && cidr(self.url).prefixLength() > 8', '10.0.0.0/16', '10.0.0.0/8'],
  ['isIP(self.url) && ip(self.url).family() == 6', 'fd00::1', '10.0.0.1'],
  ['self.url.findAll("[0-9]+") == ["1", "22"]', 'a1b22', 'a1'],
  ['[self.url, "b"].isSorted()', 'a', 'c'],
  ['self.url.split(",").indexOf("b") == 1', 'a,b', 'b,a'],
  ['sets.equivalent(self.url.split(","), ["a", "b"])', 'b,a,b', 'a'],
  ['[1, self.url.size()].max() < 4', 'abc', 'abcd'],
  ['[1, 2].sum() == self.url.size()', 'abc', 'ab'],
])('has the function in %s', (rule, good, bad) => {
  const yaml = `{type: object, properties: {url: {type: string}}, x-kubernetes-validations: [{rule: '${rule}', message: no}]}`;
  const kind = new Widgets(yaml);
  expect(kind.problems(`{url: '${good}'}`)).toEqual([]);
  expect(kind.problems(`{url: '${bad}'}`)).toEqual(['spec: no']);
});

it('sees times and durations as such', () => {
  const kind = new Widgets(
    `{type: object, properties: {at: {type: string, format: date-time}, for: {type: string, format: duration}}, x-kubernetes-validations: [{rule: "self.at.getFullYear() == 2026 && self.__for__ < duration('1h')", message: no}]}`,
  );
  expect(kind.problems('{at: "2026-01-01T00:00:00Z", for: 59m}')).toEqual([]);
  expect(kind.problems('{at: "2026-01-01T00:00:00Z", for: 2h}')).toEqual(['spec: no']);
});

describe('a rule with optionalOldSelf', () => {
  const kind = (rule: string) =>
    new Widgets(
      `{type: object, properties: {a: {type: integer}}, x-kubernetes-validations: [{rule: '${rule}', message: no, optionalOldSelf: true}]}`,
    );

  it.each([
    'oldSelf.hasValue() ? self.a >= oldSelf.value().a : self.a == 1',
    'oldSelf.optMap(o, self.a >= o.a).orValue(self.a == 1)',
    'oldSelf.optFlatMap(o, optional.of(self.a >= o.a)).orValue(self.a == 1)',
  ])('holds of what is new and of what is changed: %s', (rule) => {
    const widgets = kind(rule);
    expect(widgets.createProblems('{a: 1}')).toEqual([]);
    expect(widgets.createProblems('{a: 2}')).toEqual(['spec: no']);
    expect(widgets.problems('{a: 2}')).toEqual([]);
    expect(widgets.updateProblems('{a: 1}', '{a: 2}')).toEqual([]);
    expect(widgets.updateProblems('{a: 2}', '{a: 1}')).toEqual(['spec: no']);
  });
});

it('gives the reason that the rule gives', () => {
  const definition = ruled('self.a == oldSelf.a', ', reason: FieldValueForbidden').registry;
  const kind = definition.byPlural('example.org', 'widgets');
  const reported: unknown[] = [];
  const widget = (a: number) => ({
    ...{ apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'a' }, spec: { a } },
  });
  kind?.validateUpdate?.(widget(1), widget(2), (...report) => reported.push(report));
  expect(reported).toEqual([['spec', 'no', 'forbidden']]);
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
  ['self.a ==', /is not an expression of CEL here/],
  ['self.tags.all(a, self.tags.all(b, self.tags.all(c, true)))', /goes over lists within lists/],
  ['foo == 1', /there is no variable "foo"/],
  ['authorizer.path("/").check("get").allowed()', /there is no variable "authorizer"/],
  ['self.url.frobnicate()', /there is no function "frobnicate"/],
  ['format.dns1123Label().validate(self.url).hasValue()', /there is no variable "format"/],
  ['isSemver(self.url)', /there is no function "isSemver"/],
  ['self.nope == 1', /there is no field "nope" in the schema/],
  ['has(self.nope)', /there is no field "nope" in the schema/],
  ['self.a.b == 1', /a value of type int has no field "b"/],
  ['self.tags.all(t, t > 1)', /"_>_" does not take \(string, int\)/],
  ['self.a == self.url', /a value of type int never equals one of type string/],
  ['self.a + 1', /must give a bool and gives a int/],
  ['self.a.hasValue()', /a value of type int is not optional/],
  ['self.a && true', /"_&&_" does not take type int/],
  ['self.?a.orValue(1) == 1', /is not an expression of CEL here/],
])('refuses a definition with the rule %s', (rule, problem) => {
  const yaml = widgets(
    `{type: object, properties: {${FIELDS}}, x-kubernetes-validations: [{rule: '${rule}'}]}`,
  );
  const [first] = definitionProblems(yaml);
  expect(first).toMatch(/properties\.spec\.x-kubernetes-validations\[0\]: /);
  expect(first).toMatch(problem);
});

it.each([
  ['{rule: "self.a > 1", mesage: x}', 'has the unknown field "mesage"'],
  ['{rule: "self.a > 1", reason: Nope}', 'the reason "Nope" is not one of FieldValueInvalid'],
  ['{rule: "self.a > 1", message: "a\\nb"}', 'the message has a line break'],
  ['{rule: "self.a > 1", messageExpression: "self.a"}', 'must give a string and gives a int'],
  ['{rule: "self.a > 1", fieldPath: ".b.c"}', 'the fieldPath ".b.c" leads to no field'],
  ['{rule: "self.a > 1", optionalOldSelf: 1}', 'optionalOldSelf is neither true nor false'],
])('refuses a definition with the rule written as %s', (rule, problem) => {
  const yaml = widgets(
    `{type: object, properties: {${FIELDS}}, x-kubernetes-validations: [${rule}]}`,
  );
  expect(definitionProblems(yaml)).toEqual([expect.stringContaining(problem)]);
});

it('refuses a definition that compares items which cannot be told apart', () => {
  const yaml = widgets(
    '{type: object, properties: {l: {type: array, items: {type: object, properties: {v: {type: string, x-kubernetes-validations: [{rule: self == oldSelf}]}}}}}}',
  );
  expect(definitionProblems(yaml)).toEqual([
    expect.stringContaining('uses oldSelf in a list whose items cannot be told apart'),
  ]);
});
