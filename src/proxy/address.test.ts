import { describe, expect, it } from 'vitest';
import { formatAddress, parseAuthority, plainIp } from './address.ts';

describe('parseAuthority', () => {
  it.each([
    ['10.0.0.1:80', { host: '10.0.0.1', port: 80 }],
    ['Reviews.shop.svc:65535', { host: 'reviews.shop.svc', port: 65_535 }],
    ['[2001:DB8::1]:443', { host: '2001:db8::1', port: 443 }],
    ['[::ffff:10.0.0.1]:443', { host: '10.0.0.1', port: 443 }],
  ])('reads %s', (text, expected) => {
    expect(parseAuthority(text)).toEqual(expected);
  });

  it.each([
    '',
    '10.0.0.1',
    '10.0.0.1:',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '10.0.0.1:080808',
    '10.0.0.1:+80',
    'user@host:80',
    'host:80/path',
    '2001:db8::1:443',
    '[not-ip]:80',
    '[:::]:80',
    'host:80\r\nx: y',
  ])('refuses %j', (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});

describe('formatAddress', () => {
  it.each([
    [{ host: '10.0.0.1', port: 80 }, '10.0.0.1:80'],
    [{ host: '::1', port: 80 }, '[::1]:80'],
  ])('writes %j', (address, text) => {
    expect(formatAddress(address)).toBe(text);
  });
});

describe('plainIp', () => {
  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['FE80::1', 'fe80::1'],
    [undefined, ''],
  ])('of %s is %s', (ip, plain) => {
    expect(plainIp(ip)).toBe(plain);
  });
});
