import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipBytes, ipText } from './ip-address.ts';

describe('IP addresses', () => {
  it.each([
    ['0.0.0.0', '00000000'],
    ['10.1.2.255', '0a0102ff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['2001:0:0:1::1', '20010000000000010000000000000001'],
    ['fe80:0:0:1:2::', 'fe800000000000010002000000000000'],
  ])('%s is %s and back', (text, hex) => {
    expect(Buffer.from(ipBytes(text) ?? []).toString('hex')).toBe(hex);
    expect(ipText(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each([
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
  ])('%s is written %s', (text, canonical) => {
    expect(ipText(ipBytes(text) ?? new Uint8Array())).toBe(canonical);
  });

  it.each(['', '1', '1.2.3', '1.2.3.256', '::g', '1::2::3', 'fe80::1%eth0', 'localhost'])(
    '"%s" is none',
    (text) => {
      expect(ipBytes(text)).toBeUndefined();
    },
  );

  it('come back from their text', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, (bytes) => {
        expect(Buffer.from(ipBytes(ipText(Uint8Array.from(bytes))) ?? [])).toEqual(
          Buffer.from(bytes),
        );
      }),
    );
  });
});
