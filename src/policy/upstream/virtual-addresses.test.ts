import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpBlock } from '../ip-block.ts';
import { parseIp } from '../parse-ip.ts';
import { VIRTUAL_RANGES, virtualAddresses } from './virtual-addresses.ts';

const host = (n: number): string => `service-${n}.shop.svc.cluster.local`;
const hosts = (count: number): string[] => Array.from({ length: count }, (_, n) => host(n));

function contains(range: string, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && parseIpBlock(range)?.contains(ip) === true;
}

describe('virtual addresses', () => {
  it('are these for these names, on every machine and in every release', () => {
    expect([...virtualAddresses(['products.shop.svc.cluster.local'])]).toMatchInlineSnapshot(`
      [
        [
          "products.shop.svc.cluster.local",
          {
            "ipv4": "240.240.31.21",
            "ipv6": "2001:2:0:0:4d61:ce74:ab0d:e703",
          },
        ],
      ]
    `);
  });

  it('lie in the ranges that Istio gives addresses from, and are no network or broadcast address', () => {
    fc.assert(
      fc.property(fc.array(fc.domain(), { maxLength: 50 }), (names) => {
        for (const { ipv4, ipv6 } of virtualAddresses(names).values()) {
          expect(contains(VIRTUAL_RANGES.ipv4, ipv4)).toBe(true);
          expect(contains(VIRTUAL_RANGES.ipv6, ipv6)).toBe(true);
          expect(ipv4).not.toMatch(/\.(0|255)$/);
        }
      }),
    );
  });

  it('are never shared, however many hosts there are', () => {
    const given = [...virtualAddresses(hosts(20_000)).values()];
    expect(new Set(given.map(({ ipv4 }) => ipv4)).size).toBe(20_000);
    expect(new Set(given.map(({ ipv6 }) => ipv6)).size).toBe(20_000);
  });

  it('of older hosts stay when younger ones come', () => {
    const few = virtualAddresses(hosts(2_000));
    const many = virtualAddresses(hosts(4_000));
    for (const [name, address] of few) expect(many.get(name)).toEqual(address);
  });

  it('are the same for an agent that sees only some of the hosts, but where names meet', () => {
    const all = virtualAddresses(hosts(500));
    const some = virtualAddresses(hosts(500).filter((_, n) => n % 3 === 0));
    const differing = [...some].filter(([name, { ipv4 }]) => all.get(name)?.ipv4 !== ipv4);
    expect(differing.length).toBeLessThan(5);
  });

  it('run out without an endless search', () => {
    const given = virtualAddresses(hosts(66_000));
    expect(given.size).toBe(256 * 254);
    expect(given.has(host(65_999))).toBe(false);
  });
});
