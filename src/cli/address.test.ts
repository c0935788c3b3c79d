import { expect, it } from 'vitest';
import { parseAddress } from './address.ts';

it.each([
  ['10.0.0.5:15012', '10.0.0.5', 15_012],
  ['istiod.example.org:443', 'istiod.example.org', 443],
  ['[::1]:15012', '::1', 15_012],
  ['0.0.0.0:0', '0.0.0.0', 0],
])('reads %s', (text, host, port) => expect(parseAddress(text)).toEqual({ host, port }));

it.each(['', 'host', ':15012', 'host:70000', 'https://host:15012', 'a b:1', '::1:15012', 'h:-1'])(
  'refuses %j',
  (text) => expect(() => parseAddress(text)).toThrow(/write host:port/),
);
