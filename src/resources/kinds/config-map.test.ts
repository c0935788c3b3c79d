import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { validateUpdate } from '../validate-update.ts';
import { configMap } from './config-map.ts';

function map(rest: string): string {
  return `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, ${rest}}`;
}
const update = (old: string, rest: string) =>
  validateUpdate(resourceOf(map(old)), resourceOf(map(rest)), { definition: configMap }).map(
    ({ field, message }) => `${field}: ${message}`,
  );

it.each([
  ['data: {a.b_c-d: x}, binaryData: {e: AQI=}', []],
  ['data: null', []],
  [
    'data: {"a/b": x}',
    [
      'data[a/b]: a key has up to 253 letters, digits, "-", "_" and ".", and does not begin with ".."',
    ],
  ],
  ['data: {a: x}, binaryData: {a: AQI=}', ['data.a: is in binaryData too']],
  ['binaryData: {a: "?"}', ['binaryData.a: is not base64; plain text goes into data']],
  [`data: {a: ${'x'.repeat(1024 * 1024 + 1)}}`, ['data: has more than 1048576 bytes']],
])('judges %.40s', (rest, problems) => {
  expect(problemsOf(map(rest))).toEqual(problems);
});

it('keeps the data of one that is immutable, and keeps it immutable', () => {
  expect(update('data: {a: b}', 'data: {a: c}')).toEqual([]);
  expect(update('immutable: true, data: {a: b}', 'immutable: true, data: {a: b}')).toEqual([]);
  expect(update('immutable: true, data: {a: b}', 'data: {a: c}')).toEqual([
    'immutable: cannot be unset once it is true',
    'data: cannot be changed, as immutable is true',
  ]);
});

it('takes for the settings of the mesh only what can be read as such', () => {
  const settings = (text: string) =>
    problemsOf(
      `{apiVersion: v1, kind: ConfigMap, metadata: {name: istio}, data: {mesh: "${text}"}}`,
    );
  expect(settings('enableAutoMtls: false')).toEqual([]);
  expect(settings('enableAutoMtls: perhaps')).toEqual([
    'data.mesh: enableAutoMtls must be true or false, not "perhaps"',
  ]);
  expect(settings('meshMTLS: {ecdhCurves: [P-256]}')).toEqual([
    expect.stringMatching(/^data.mesh: meshMTLS.ecdhCurves cannot be set/),
  ]);
  expect(settings('tlsDefaults: {ecdhCurves: [P-256]}')).toEqual([]);
  expect(settings('- a')).toEqual(['data.mesh: is not a map of settings']);
  expect(settings('a: [')).toEqual([expect.stringMatching(/^data.mesh: line \d+ is not YAML/)]);
});

it('counts its values for tables', () => {
  const cell = configMap.columns[0]?.cell;
  expect(cell?.(resourceOf(map('data: {a: b}, binaryData: {c: AQI=}')))).toBe('2');
  expect(cell?.(resourceOf(map('immutable: false')))).toBe('0');
});
