import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGreeting, readSocksRequest } from './socks5-messages.ts';

const name = Buffer.from('products.shop');

function request(command: number, type: number, ...rest: readonly number[]): Buffer {
  return Buffer.of(5, command, 0, type, ...rest);
}

describe('a SOCKS 5 greeting', () => {
  it.each([
    [[5, 1, 0], true],
    [[5, 2, 2, 0], true],
    [[5, 1, 2], false],
    [[5, 0], false],
  ])('%j may be answered without authentication: %s', (bytes, withoutAuthentication) => {
    expect(readGreeting(Buffer.of(...bytes))).toEqual({
      ...{ message: { withoutAuthentication }, bytes: bytes.length },
    });
  });

  it('of version 4, or of HTTP, is refused', () => {
    expect(readGreeting(Buffer.of(4, 1))).toHaveProperty('refused');
    expect(readGreeting(Buffer.from('GET'))).toHaveProperty('refused');
  });
});

describe('a SOCKS 5 request', () => {
  it.each([
    ['a name', request(1, 3, name.length, ...name, 0x1f, 0x90), 'products.shop', 8080],
    ['IPv4', request(1, 1, 240, 240, 1, 2, 0, 80), '240.240.1.2', 80],
    [
      'IPv6',
      request(1, 4, 0xfd, ...Array.from({ length: 14 }, () => 0), 1, 1, 187),
      'fd00::1',
      443,
    ],
  ])('names where to go by %s', (_, bytes, host, port) => {
    expect(readSocksRequest(bytes)).toEqual({
      ...{ message: { target: { host, port } }, bytes: bytes.length },
    });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readSocksRequest(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it.each([
    ['BIND', request(2, 1, 0, 0, 0, 0, 0, 0), 'commandNotSupported'],
    ['UDP', request(3, 1, 0, 0, 0, 0, 0, 0), 'commandNotSupported'],
    ['an unknown form of address', request(1, 9, 0), 'addressTypeNotSupported'],
  ])('for %s is not supported', (_, bytes, unsupported) => {
    expect(readSocksRequest(bytes)).toMatchObject({ message: { unsupported } });
  });

  it.each([
    ['port 0', request(1, 1, 1, 2, 3, 4, 0, 0)],
    ['an empty name', request(1, 3, 0, 0, 80)],
    ['a name with a space', request(1, 3, 3, 0x61, 0x20, 0x62, 0, 80)],
  ])('with %s is refused', (_, bytes) => {
    expect(readSocksRequest(bytes)).toHaveProperty('refused');
  });

  it('is read or refused, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const reading = readSocksRequest(Buffer.from(bytes));
        if (reading === undefined || 'refused' in reading) return;
        expect(reading.bytes).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });
});
