import { describe, expect, it } from 'vitest';
import { type Interfaces, outsideAddress } from './outside-address.ts';

const lo: Interfaces = {
  lo: [
    { address: '127.0.0.1', family: 'IPv4', internal: true },
    { address: '::1', family: 'IPv6', internal: true },
  ],
};
const ipv6 = (address: string) => ({ address, family: 'IPv6', internal: false }) as const;
const ipv4 = (address: string) => ({ address, family: 'IPv4', internal: false }) as const;

describe('outsideAddress', () => {
  it.each<[string, Interfaces, string]>([
    ['IPv4 where a host has both', { eth0: [ipv6('fd77::5'), ipv4('10.77.0.5')] }, '10.77.0.5'],
    ['IPv6 where it has nothing else', { eth0: [ipv6('fe80::1'), ipv6('fd77::5')] }, 'fd77::5'],
    ['IPv4 of another interface', { a: [ipv6('fd77::5')], b: [ipv4('10.0.0.1')] }, '10.0.0.1'],
    ['the loopback where nobody reaches it', { eth0: [ipv6('fe80::1')] }, '127.0.0.1'],
  ])('is %s', (_, interfaces, address) => {
    expect(outsideAddress({ ...lo, ...interfaces })).toBe(address);
  });
});
