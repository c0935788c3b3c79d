import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['STRIKT', ['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'], 'STRICT'],
  ['strict', ['UNSET', 'STRICT'], 'STRICT'],
  ['mtlz', ['selector', 'mtls', 'portLevelMtls'], 'mtls'],
  ['matchLabel', ['matchLabels'], 'matchLabels'],
  ['portLevelMTLS', ['portLevelMtls'], 'portLevelMtls'],
  ['x', ['selector'], undefined],
  ['entirely', ['different'], undefined],
  ['a'.repeat(100_000), ['a'], undefined],
  ['', ['a'], 'a'],
])('takes %s of %j for %s', (word, known, meant) => {
  expect(nearest(word, known)).toBe(meant);
});
