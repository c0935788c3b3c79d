import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDer, TAG } from './der-reader.ts';
import { der, objectIdentifier, unsignedInteger } from './der-writer.ts';

describe('der', () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 0xff_ffff])(
    'writes and reads %d bytes',
    (length) => {
      const contents = new Uint8Array(length).fill(7);
      const written = der(TAG.octetString, contents);
      const read = readDer(written, (reader) => reader.contents(TAG.octetString));
      expect(Buffer.compare(read, contents)).toBe(0);
    },
  );

  it('joins its parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), (parts) => {
        const contents = readDer(der(TAG.sequence, ...parts), (reader) =>
          reader.contents(TAG.sequence),
        );
        expect(Buffer.from(contents)).toEqual(Buffer.concat(parts));
      }),
    );
  });

  it('does not write 16 MiB', () => {
    expect(() => der(TAG.octetString, new Uint8Array(0x100_0000))).toThrow(RangeError);
  });
});

describe('unsignedInteger', () => {
  it.each([
    ['', '020100'],
    ['00', '020100'],
    ['0000', '020100'],
    ['7f', '02017f'],
    ['80', '02020080'],
    ['0080', '02020080'],
    ['00007f', '02017f'],
  ])('writes "%s" as %s', (number, hex) => {
    expect(Buffer.from(unsignedInteger(Buffer.from(number, 'hex'))).toString('hex')).toBe(hex);
  });
});

describe('objectIdentifier', () => {
  it.each(['', '1', '3.1', '1.40', '1.x', '1.2.-3'])('does not write "%s"', (text) => {
    expect(() => objectIdentifier(text)).toThrow(RangeError);
  });
});
