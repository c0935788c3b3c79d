import { expect, it } from 'vitest';
import { parseSerial } from './parse-serial.ts';

it.each([
  ['4f1e', '4f1e'],
  ['4F:1E', '4f1e'],
  ['0x4f1e', '4f1e'],
  ['00:FE:DC', 'fedc'],
  ['f1e', '0f1e'],
  [' 0f ', '0f'],
  ['00', '00'],
])('reads %j as %s', (text, serial) => {
  expect(parseSerial(text)).toBe(serial);
});

it.each(['', 'xyz', '4f 1e', '-4f', 'ab'.repeat(21), '4f1e\n4f1e'])('refuses %j', (text) => {
  expect(() => parseSerial(text)).toThrow(/is not a serial number/);
});
