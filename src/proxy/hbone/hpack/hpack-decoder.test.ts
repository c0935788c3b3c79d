import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../../lib/errors.ts';
import { encodeFields } from './encode-fields.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { STATIC_TABLE } from './static-table.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const decoder = (maxListBytes = 16_384): HpackDecoder => new HpackDecoder(maxListBytes);

describe('HpackDecoder', () => {
  // RFC 7541, appendix C.3 and C.4: three requests on one connection, plain and Huffman-coded.
  it.each([
    [
      'plain',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'Huffman-coded',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ])('reads the three requests of RFC 7541 in order, %s', (_, blocks) => {
    const reading = decoder();
    const common = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ];
    expect(blocks.map((block) => reading.decode(hex(block)))).toEqual([
      { fields: common },
      { fields: [...common, ['cache-control', 'no-cache']] },
      {
        fields: [
          [':method', 'GET'],
          [':scheme', 'https'],
          [':path', '/index.html'],
          [':authority', 'www.example.com'],
          ['custom-key', 'custom-value'],
        ],
      },
    ]);
  });

  it('evicts the oldest fields when the table is made smaller', () => {
    const reading = decoder();
    reading.decode(hex('400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65'));
    expect(reading.decode(hex('be'))).toEqual({ fields: [['custom-key', 'custom-value']] });
    expect(() => reading.decode(hex('20 be'))).toThrow('62');
  });

  it.each([
    ['an index in no table', 'be'],
    ['index 0', '80'],
    ['a string longer than the block', '0005 61'],
    ['an integer without an end', '7fffffffffffffff'],
    ['a table larger than was offered', '3fe2 1f'],
    ['a change of the table within a block', '82 20'],
    ['an end within a field', '40'],
    ['Huffman padding that is not of ones', '0081 00 00'],
    ['Huffman padding of a byte', '0082 07ff 00'],
    ['the end-of-string code', '0084 ffffffff 00'],
  ])('refuses %s with COMPRESSION_ERROR', (_, block) => {
    expect(() => decoder().decode(hex(block))).toThrow(
      expect.objectContaining({ code: 'ERR_WIRE', cause: 9 }),
    );
  });

  it('tells when fields are too many, and can read the next block', () => {
    const reading = decoder(100);
    const long = encodeFields([['x-long', 'x'.repeat(100)]]);
    expect(reading.decode(long)).toEqual({ tooLarge: 138 });
    expect(reading.decode(hex('82'))).toEqual({ fields: [[':method', 'GET']] });
  });

  it('reads back what is encoded, whatever it is', () => {
    const name = fc.oneof(
      fc.constantFrom(...STATIC_TABLE.map(([known]) => known)),
      fc.stringMatching(/^[a-z-]{1,200}$/),
    );
    const value = fc.oneof(
      fc.constantFrom('CONNECT', '200', '10.0.0.1:80'),
      fc.stringMatching(/^[\x20-\xff]{0,300}$/),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), (fields) => {
        expect(decoder().decode(encodeFields(fields))).toEqual({ fields });
      }),
    );
  });

  it('gives fields or a MeshError for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 3 }), (blocks) => {
        const reading = decoder();
        try {
          for (const block of blocks) reading.decode(Buffer.from(block));
        } catch (error) {
          expect(MeshError.is(error, 'ERR_WIRE')).toBe(true);
        }
      }),
    );
  });
});
