import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../lib/errors.ts';
import { jsonPathTemplate } from './jsonpath-template.ts';

const list = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'x' } },
      spec: { ports: [80, 81], on: true },
    },
    { metadata: { name: 'b' }, spec: { ports: [], tls: { mode: 'STRICT' } }, n: 3 },
  ],
};

describe('a JSONPath template prints', () => {
  it.each<[string, string]>([
    ['{.kind}', 'List'],
    ['kind={.kind}!', 'kind=List!'],
    ['{$.kind}', 'List'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[0:1].metadata.name}', 'a'],
    ['{.items[0].spec.ports[*]}', '80 81'],
    ['{.items[0].spec.ports}', '[80,81]'],
    ["{.items[0].metadata['name']}", 'a'],
    ["{.items[0].metadata['name','labels']}", 'a {"app.kubernetes.io/name":"x"}'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'x'],
    ['{..name}', 'a b'],
    ['{.items[?(@.metadata.name=="b")].spec.tls.mode}', 'STRICT'],
    ['{.items[?(@.n>2)].metadata.name}', 'b'],
    ['{.items[?(@.n!=3)].metadata.name}', ''],
    ['{.items[?(@.spec.tls)].metadata.name}', 'b'],
    ['{.items[?(@.spec.on==true)].metadata.name}', 'a'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.n}{"\\n"}{end}', 'a\t\nb\t3\n'],
    ['{range .items[*]}{range .spec.ports[*]}{@},{end};{end}', '80,81,;;'],
    ['{.nothing.there}', ''],
    ['{kind}', 'List'],
    ['plain', 'plain'],
  ])('%s as %j', (template, text) => {
    expect(jsonPathTemplate(template)(list)).toBe(text);
  });
});

it.each([
  ['{.a', 'a "}" is missing'],
  ['{.a[}', 'neither a number nor a quoted name'],
  ['{.a[?(@.b==c)]}', 'must stand in quotes'],
  ['{range .a}', 'has no {end}'],
  ['{end}', 'has no {range}'],
  ['{.a}}{', 'a "}" is missing'],
  ['{.a[::0]}', 'at least 1'],
])('refuses %s', (template, why) => {
  expect(() => jsonPathTemplate(template)).toThrow(why);
});

it('takes any text for a template or refuses it, and reads any object', () => {
  const bits = fc.constantFrom(
    '{',
    '}',
    '.',
    'a',
    '[',
    ']',
    '*',
    '?(',
    ')',
    '@',
    '"',
    "'",
    '0',
    ':',
    '..',
    ' range ',
    'end',
    '\\',
  );
  const template = fc.array(bits, { maxLength: 20 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(template, fc.string()), fc.jsonValue(), (text, value) => {
      try {
        expect(typeof jsonPathTemplate(text)(value)).toBe('string');
      } catch (error) {
        expect(MeshError.is(error, 'ERR_USAGE')).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
