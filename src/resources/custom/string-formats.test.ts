import { expect, it } from 'vitest';
import { isOfFormat } from './string-formats.ts';

it.each([
  ['date-time', '2026-01-31T12:00:00Z', '2026-13-01T00:00:00Z'],
  ['date', '2026-01-31', '31.1.2026'],
  ['duration', '1h30m', '1d'],
  ['byte', 'AQI=', '?'],
  ['uuid', '3f5f1f5e-8a5a-4e0e-9f7c-0d7b3f1f7a11', 'x'],
  ['ipv4', '10.0.0.1', '::1'],
  ['ipv6', '::1', '10.0.0.1'],
  ['cidr', '10.0.0.0/8', '10.0.0.1'],
  ['uri', 'https://a', 'a b'],
  ['hostname', 'a.example.com', 'a_b'],
  ['email', 'a@b', 'a'],
])('of the format %s takes %s and not %s', (format, good, bad) => {
  expect([isOfFormat(good, format), isOfFormat(bad, format)]).toEqual([true, false]);
});

it('takes anything of a format that it does not know', () => {
  expect(isOfFormat('anything', 'other')).toBe(true);
});
