import { expect, it } from 'vitest';
import { clientAddress } from './client-address.ts';

it.each<[string | undefined, number, string]>([
  [undefined, 0, 'peer'],
  ['', 0, 'peer'],
  ['10.0.0.1', 0, '10.0.0.1'],
  ['10.0.0.1, 10.0.0.2', 0, '10.0.0.2'],
  ['10.0.0.1, 10.0.0.2', 1, '10.0.0.1'],
  ['10.0.0.1,10.0.0.2 , fd00::3', 0, 'fd00::3'],
  ['10.0.0.1,10.0.0.2 , fd00::3', 1, '10.0.0.2'],
  ['10.0.0.1,10.0.0.2 , fd00::3', 2, '10.0.0.1'],
  ['10.0.0.1,10.0.0.2', 2, 'peer'],
  ['10.0.0.1', 1, 'peer'],
  ['unknown', 0, 'peer'],
  ['10.0.0.1, for=1', 0, 'peer'],
  ['10.0.0.1:80', 0, 'peer'],
  ['10.0.0.1,', 0, 'peer'],
  [',', 1, 'peer'],
])('X-Forwarded-For %j with %i trusted proxies names %s', (header, trusted, expected) => {
  expect(clientAddress(header, 'peer', trusted)).toBe(expected);
});
