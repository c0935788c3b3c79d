import { expect, it } from 'vitest';
import { formatSystemVersion, parseSystemVersion } from './system-version.ts';

it.each([
  ['17', { version: '17', complete: true }],
  ['17+', { version: '17', complete: false }],
  ['', { version: '', complete: true }],
])('reads %j and writes it again', (text, systemVersion) => {
  expect(parseSystemVersion(text)).toEqual(systemVersion);
  expect(formatSystemVersion(systemVersion)).toBe(text);
});
