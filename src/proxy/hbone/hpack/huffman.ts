import { ErrorCode } from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';

/**
 * The symbols of RFC 7541, appendix B, by the length of their codes in bits. The code is canonical:
 * within a length codes count up in this order, and each length goes on where the one before ended.
 * EOS is the last of the 30-bit codes.
 */
const SYMBOLS: readonly (readonly [bits: number, symbols: readonly number[]])[] = [
  [5, [48, 49, 50, 97, 99, 101, 105, 111, 115, 116]],
  [
    6,
    [
      ...[32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108],
      ...[109, 110, 112, 114, 117],
    ],
  ],
  [7, [58, ...range(66, 87), 89, 106, 107, 113, 118, 119, 120, 121, 122]],
  [8, [38, 42, 44, 59, 88, 90]],
  [10, [33, 34, 40, 41, 63]],
  [11, [39, 43, 124]],
  [12, [35, 62]],
  [13, [0, 36, 64, 91, 93, 126]],
  [14, [94, 125]],
  [15, [60, 96, 123]],
  [19, [92, 195, 208]],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [
    22,
    [
      ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185],
      ...[186, 187, 189, 190, 196, 198, 228, 232, 233],
    ],
  ],
  [
    23,
    [
      ...[1, 135, ...range(137, 141), 143, 147, ...range(149, 152), 155, 157, 158, 165, 166, 168],
      ...[174, 175, 180, 182, 183, 188, 191, 197, 231, 239],
    ],
  ],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [203, 204, 211, 212, 214, 221, 222, 223, 241, ...range(244, 248), ...range(250, 254)]],
  [28, [...range(2, 8), 11, 12, ...range(14, 21), ...range(23, 31), 127, 220, 249]],
  [30, [10, 13, 22]],
];

const LONGEST = 30;
const LONGEST_PADDING = 7;

/** For each length in bits: the first code of that length, and the symbols from there on. */
const CODES: readonly (readonly [first: number, symbols: readonly number[]])[] = codesByLength();

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function codesByLength(): (readonly [number, readonly number[]])[] {
  const byLength = new Map(SYMBOLS);
  const codes: [number, readonly number[]][] = [];
  let next = 0;
  for (let bits = 0; bits <= LONGEST; bits++) {
    const symbols = byLength.get(bits) ?? [];
    codes.push([next, symbols]);
    next = (next + symbols.length) * 2;
  }
  return codes;
}

/** The bytes behind a Huffman-coded string. @throws {MeshError} ERR_WIRE for codes or padding that cannot be. */
export function decodeHuffman(coded: Uint8Array): Buffer {
  // The shortest code has 5 bits.
  const text = Buffer.allocUnsafe(Math.ceil((coded.length * 8) / 5));
  let length = 0;
  let code = 0;
  let bits = 0;
  for (const byte of coded) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      bits += 1;
      const symbol = symbolOf(code, bits);
      if (symbol === undefined) continue;
      text[length] = symbol;
      length += 1;
      code = 0;
      bits = 0;
    }
  }
  // What is left must be the beginning of EOS, which is all ones, and less than a byte.
  if (bits > LONGEST_PADDING || code !== 2 ** bits - 1) throw malformed();
  return text.subarray(0, length);
}

function symbolOf(code: number, bits: number): number | undefined {
  if (bits > LONGEST) throw malformed();
  const [first, symbols] = CODES[bits] ?? [0, []];
  return symbols[code - first];
}

function malformed(): Error {
  return http2Error(
    ErrorCode.compressionError,
    'a Huffman-coded header that does not end as it must',
  );
}
