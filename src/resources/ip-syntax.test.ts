import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isIpAddress, isIpBlock } from './ip-syntax.ts';

it.each([
  '10.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '10.0.0.0/8',
  '10.1.2.3/32',
  '0.0.0.0/0',
  '::',
  '::/0',
  '::1',
  'fd00::/8',
  '2001:db8:0:1:2:3:4:5',
  '2001:DB8::5',
  '1:2:3:4:5:6:7::',
  '::ffff:10.0.0.1',
  '::ffff:10.0.0.0/104',
  '64:ff9b::10.0.0.1',
])('takes %s', (text) => {
  expect(isIpBlock(text)).toBe(true);
});

it.each([
  '',
  '10.0.0',
  '10.0.0.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '10.0.0.1 ',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '/8',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '12345::',
  'g::',
  'fe80::1%eth0',
  'fd00::/129',
  '::ffff:10.0.0.0/90',
  '10.0.0.1::',
  '*',
  'localhost',
  '1'.repeat(100_000),
])('refuses %j', (text) => {
  expect(isIpBlock(text)).toBe(false);
});

it('takes a range for no address', () => {
  expect([isIpAddress('10.0.0.1'), isIpAddress('10.0.0.1/32')]).toEqual([true, false]);
});

it('agrees with node:net on addresses', () => {
  const almost = fc.stringMatching(/^[0-9a-f:.]{0,24}$/);
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), almost), (text) => {
      expect(isIpAddress(text)).toBe(isIPv4(text) || isIPv6(text));
    }),
    { numRuns: 2_000 },
  );
});
