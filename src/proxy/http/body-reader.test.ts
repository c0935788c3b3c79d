import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smuggling } from '../../../test/kit/smuggling-corpus.ts';
import { BodyReader } from './body-reader.ts';

const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 8 });
const cuts = fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 60 });

function chunked(pieces: readonly Uint8Array[], trailer: string): Buffer {
  const coded = pieces.map((piece) =>
    Buffer.concat([
      Buffer.from(`${piece.length.toString(16)};x=1\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]),
  );
  return Buffer.concat([...coded, Buffer.from(`0\r\n${trailer}\r\n`)]);
}

/** Where a reader that is fed `bytes` in pieces says that the body ends. */
function endOf(reader: BodyReader, bytes: Buffer, sizes: readonly number[]): number {
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const piece = bytes.subarray(at, at + size);
    const taken = reader.take(piece, 0);
    if (reader.done) return at + taken;
    expect(taken).toBe(piece.length);
    at += piece.length;
  }
  return -1;
}

describe('BodyReader', () => {
  it('finds the end of a chunked body however it is cut', () => {
    fc.assert(
      fc.property(
        chunks,
        fc.constantFrom('', 'X: y\r\n', 'X: y\r\nZ: w\r\n'),
        cuts,
        (pieces, trailer, sizes) => {
          const body = chunked(pieces, trailer);
          const bytes = Buffer.concat([body, Buffer.from('GET /next')]);
          expect(endOf(new BodyReader({ kind: 'chunked' }), bytes, sizes)).toBe(body.length);
        },
      ),
    );
  });

  it('finds the end of a body of known length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), cuts, (length, sizes) => {
        const bytes = Buffer.alloc(length + 9);
        expect(endOf(new BodyReader({ kind: 'length', bytes: length }), bytes, sizes)).toBe(length);
      }),
    );
  });

  it.each(smuggling.filter(({ layer }) => layer === 'body').map(({ name, body }) => [name, body]))(
    'refuses %s, in one piece and byte by byte',
    (_, body) => {
      const isReserved = (name: string): boolean => name === 'x-forwarded-client-cert';
      const bytes = Buffer.from(body, 'latin1');
      expect(() =>
        new BodyReader({ kind: 'chunked' }, { isForbidden: isReserved }).take(bytes, 0),
      ).toThrow();
      expect(() => {
        const reader = new BodyReader({ kind: 'chunked' }, { isForbidden: isReserved });
        for (let i = 0; i < bytes.length; i += 1) reader.take(bytes.subarray(i, i + 1), 0);
      }).toThrow();
    },
  );
});
