import { describe, expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { DerReader, readDer, TAG } from './der-reader.ts';
import { der } from './der-writer.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const read = (hex: string): Uint8Array =>
  readDer(bytes(hex), (reader) => reader.contents(TAG.octetString));

describe('DerReader', () => {
  it.each([
    ['0400', ''],
    ['0401ff', 'ff'],
    [`047f${'ab'.repeat(127)}`, 'ab'.repeat(127)],
    [`048180${'ab'.repeat(128)}`, 'ab'.repeat(128)],
    [`04820100${'ab'.repeat(256)}`, 'ab'.repeat(256)],
  ])('reads the contents of %.12s…', (hex, contents) => {
    expect(Buffer.from(read(hex)).toString('hex')).toBe(contents);
  });

  it.each([
    ['', 'the data ends where an element should begin at byte 0'],
    ['0500', 'tag 0x05 where 0x04 should be at byte 0'],
    ['04', 'a header that is cut off at byte 0'],
    ['0401', 'an element of 1 bytes that is cut off at byte 0'],
    ['0480ff0000', 'a length that is not definite at byte 0'],
    ['048101ff', 'a length longer than it must be at byte 0'],
    [`0482007f${'00'.repeat(127)}`, 'a length longer than it must be at byte 0'],
    [`048200ff${'00'.repeat(255)}`, 'a length longer than it must be at byte 0'],
    ['0484ffffffff', 'an element of 4294967295 bytes that is cut off at byte 0'],
    ['04850000000001ff', 'a length of more than four bytes at byte 0'],
    ['0482ff', 'a header that is cut off at byte 0'],
    ['040000', 'bytes after the end at byte 2'],
  ])('refuses %s: %s', (hex, message) => {
    expect(() => read(hex)).toThrow(expect.objectContaining({ code: 'ERR_DER', message }));
  });

  it('refuses tags of more than one byte', () => {
    const reader = new DerReader(bytes('1f810100'));
    expect(() => reader.element()).toThrow('a tag of more than one byte');
  });

  it('refuses an element that reaches beyond the one around it', () => {
    expect(() =>
      readDer(bytes('3003040200'), (reader) =>
        reader.into(TAG.sequence, () => reader.contents(TAG.octetString)),
      ),
    ).toThrow('an element of 2 bytes that is cut off');
  });

  it('refuses what is left over in an entered element', () => {
    expect(() =>
      readDer(bytes('300404000400'), (reader) =>
        reader.into(TAG.sequence, () => reader.contents(TAG.octetString)),
      ),
    ).toThrow('2 bytes too many at byte 4');
  });

  it('refuses more than 16 levels', () => {
    const nested = (levels: number): Uint8Array =>
      levels === 0 ? new Uint8Array() : der(TAG.sequence, nested(levels - 1));
    const descend = (reader: DerReader): void => {
      if (reader.more) reader.into(TAG.sequence, () => descend(reader));
    };
    expect(() => readDer(nested(16), descend)).not.toThrow();
    expect(() => readDer(nested(17), descend)).toThrow(MeshError);
  });

  it('takes an optional element only with its tag', () => {
    const reader = new DerReader(bytes('0400'));
    expect(reader.optional(TAG.sequence, () => 1)).toBeUndefined();
    expect(reader.optional(TAG.octetString, () => 2)).toBe(2);
    expect(reader.more).toBe(false);
  });
});
