import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpBlock } from './ip-block.ts';
import { parseIp } from './parse-ip.ts';

const contains = (block: string, ip: string): boolean | undefined => {
  const parsed = parseIp(ip);
  return parsed === undefined ? undefined : parseIpBlock(block)?.contains(parsed);
};

describe('parseIp', () => {
  it.each([
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '64:ff9b::1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
    'FE80::ABCD',
  ])('takes "%s"', (text) => {
    expect(parseIp(text)).toBeDefined();
  });

  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.x',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    ':1',
    '1:',
    '1.2.3.4::',
    '::1.2.3',
    '::ffff:1.2.3.256',
    '::1.2.3.4:5',
    'localhost',
    'a'.repeat(1_000_000),
    `${':'.repeat(1_000)}`,
  ])('refuses "%s"', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it.each([
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
    ['2001:db8::', '2001:DB8:0:0:0:0:0:0'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('reads "%s" as "%s"', (text, same) => {
    expect(parseIp(text)).toEqual(parseIp(same));
  });

  it('agrees with Node about what an address is', () => {
    const almost = fc.string({
      unit: fc.constantFrom('0', '1', '25', 'f', ':', '::', '.', 'ffff'),
      maxLength: 16,
    });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), almost), (text) => {
        expect(parseIp(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('parseIpBlock', () => {
  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    'fd00::/129',
    'fe80::1%eth0',
    '::ffff:10.0.0.0/95',
    '10.0.0.0/1e1',
    'example.com',
  ])('refuses "%s"', (text) => {
    expect(parseIpBlock(text)).toBeUndefined();
  });

  it.each<[string, string, boolean]>([
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['128.0.0.0/1', '200.0.0.1', true],
    ['128.0.0.0/1', '100.0.0.1', false],
    ['10.0.0.0/31', '10.0.0.1', true],
    ['10.0.0.0/31', '10.0.0.2', false],
    ['10.1.2.3/8', '10.200.0.1', true],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['::ffff:0:0/96', '1.2.3.4', true],
    ['::/0', '1.2.3.4', false],
    ['0.0.0.0/0', '::1', false],
    ['::/0', 'ffff::', true],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fe00::1', false],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8::/127', '2001:db8::1', true],
    ['2001:db8::1', '2001:db8::1', true],
    ['2001:db8::1', '2001:db8::2', false],
  ])('"%s" contains "%s": %s', (block, ip, expected) => {
    expect(contains(block, ip)).toBe(expected);
  });

  it('agrees with Node about what is in a range', () => {
    const near = <T>(ip: fc.Arbitrary<T>) => fc.tuple(ip, ip, fc.nat(), fc.boolean());
    const check = (family: 'ipv4' | 'ipv6', bits: number) =>
      fc.property(
        near(family === 'ipv4' ? fc.ipV4() : fc.ipV6()),
        ([base, stranger, random, isBase]) => {
          const prefix = random % (bits + 1);
          const list = new BlockList();
          list.addSubnet(base, prefix, family);
          const ip = isBase ? base : stranger;
          if (family === 'ipv6' && typeof parseIp(ip) !== typeof parseIp(base)) return;
          expect(contains(`${base}/${prefix}`, ip) ?? false).toBe(list.check(ip, family));
        },
      );
    fc.assert(check('ipv4', 32));
    fc.assert(check('ipv6', 128));
  });
});
