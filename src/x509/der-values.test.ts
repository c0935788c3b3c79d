import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDer } from './der-reader.ts';
import {
  readBoolean,
  readBytesBitString,
  readInteger,
  readNamedBits,
  readObjectIdentifier,
  readSmallInteger,
} from './der-values.ts';
import { bitString, namedBits, objectIdentifier, unsignedInteger } from './der-writer.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const refusal = (message: string): unknown =>
  expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining(message) });

describe('readBoolean', () => {
  it.each([
    ['010100', false],
    ['0101ff', true],
  ])('reads %s', (hex, value) => {
    expect(readDer(bytes(hex), readBoolean)).toBe(value);
  });

  it.each(['0100', '010101', '01020000'])('refuses %s', (hex) => {
    expect(() => readDer(bytes(hex), readBoolean)).toThrow(refusal('neither 00 nor ff'));
  });
});

describe('readInteger', () => {
  it.each(['020100', '02017f', '02020080', '0201ff', '0202ff7f'])('reads %s', (hex) => {
    expect(Buffer.from(readDer(bytes(hex), readInteger))).toEqual(bytes(hex.slice(4)));
  });

  it.each(['0200', '02020000', '0202007f', '0202ffff', '0202ff80'])('refuses %s', (hex) => {
    expect(() => readDer(bytes(hex), readInteger)).toThrow(refusal('integer'));
  });

  it('reads back every unsigned number that is written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (value) => {
        const written = unsignedInteger(bytes(value.toString(16).padStart(42, '0')));
        const contents = Buffer.from(readDer(written, readInteger)).toString('hex');
        expect(BigInt(`0x${contents}`)).toBe(value);
        expect(Number.parseInt(contents.slice(0, 2), 16)).toBeLessThan(0x80);
      }),
    );
  });
});

describe('readSmallInteger', () => {
  it.each([
    ['020100', 0],
    ['02017f', 127],
    ['02047fffffff', 2 ** 31 - 1],
  ])('reads %s as %d', (hex, value) => {
    expect(readDer(bytes(hex), readSmallInteger)).toBe(value);
  });

  it.each(['0201ff', '02050080000000'])('refuses %s', (hex) => {
    expect(() => readDer(bytes(hex), readSmallInteger)).toThrow(refusal('negative or above'));
  });
});

describe('readObjectIdentifier', () => {
  it.each([
    ['0603551d11', '2.5.29.17'],
    ['06082a8648ce3d030107', '1.2.840.10045.3.1.7'],
    ['060100', '0.0'],
    ['060127', '0.39'],
    ['060128', '1.0'],
    ['060150', '2.0'],
    ['0603883703', '2.999.3'],
  ])('reads %s as %s', (hex, text) => {
    expect(readDer(bytes(hex), readObjectIdentifier)).toBe(text);
    expect(Buffer.from(objectIdentifier(text)).toString('hex')).toBe(hex);
  });

  it.each([
    ['0600', 'cut off'],
    ['060180', 'cut off'],
    ['06025580', 'cut off'],
    ['06038055', 'cut off'],
    ['0603558011', 'longer than it must be'],
    [`060a2a${'ff'.repeat(8)}7f`, 'an arc that is too large'],
    [`0641${'2a'.repeat(65)}`, 'too long'],
  ])('refuses %s: %s', (hex, problem) => {
    expect(() => readDer(bytes(hex), readObjectIdentifier)).toThrow(refusal(problem));
  });

  it('reads back every identifier that is written', () => {
    const arc = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 0, max: 39 }),
        fc.array(arc, { maxLength: 8 }),
        (first, second, rest) => {
          const text = [first, second, ...rest].join('.');
          expect(readDer(objectIdentifier(text), readObjectIdentifier)).toBe(text);
        },
      ),
    );
  });
});

describe('bit strings', () => {
  it('of whole bytes are read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
        expect(Buffer.from(readDer(bitString(value), readBytesBitString))).toEqual(
          Buffer.from(value),
        );
      }),
    );
  });

  it.each(['0300', '030101', '03020780'])('of other than whole bytes (%s) are refused', (hex) => {
    expect(() => readDer(bytes(hex), readBytesBitString)).toThrow(refusal('whole bytes'));
  });

  it('of named bits are read back, in order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 15 })), (bits) => {
        const sorted = [...bits].sort((a, b) => a - b);
        expect(readDer(namedBits(bits), readNamedBits)).toEqual(sorted);
      }),
    );
  });

  it.each([
    ['0300', 'unused bits'],
    ['030101', 'unused bits'],
    ['03020800', 'unused bits'],
    ['03020181', 'not zero'],
    ['030400000000', 'more bits than have names'],
  ])('of named bits are refused as %s: %s', (hex, problem) => {
    expect(() => readDer(bytes(hex), readNamedBits)).toThrow(refusal(problem));
  });

  it('are written without trailing zero bits, as DER asks', () => {
    expect(Buffer.from(namedBits([0, 2])).toString('hex')).toBe('030205a0');
    expect(Buffer.from(namedBits([5, 6])).toString('hex')).toBe('03020106');
    expect(Buffer.from(namedBits([])).toString('hex')).toBe('030100');
  });
});
