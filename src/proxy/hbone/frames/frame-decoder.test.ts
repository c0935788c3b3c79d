import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from './frame-decoder.ts';

const MAX = 1_000;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
  /** DATA only: as in the PADDED flag. */
  readonly padding?: number | undefined;
}

function encode({ type, flags, streamId, payload, padding }: Frame): Buffer {
  const padded = padding === undefined ? payload : padWith(payload, padding);
  const head = Buffer.alloc(9);
  head.writeUIntBE(padded.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, padded]);
}

function padWith(payload: Uint8Array, padding: number): Buffer {
  return Buffer.concat([Uint8Array.of(padding), payload, Buffer.alloc(padding)]);
}

/** What a decoder says of a byte stream that is cut at `cuts`. */
function decode(bytes: Buffer, cuts: readonly number[] = []): string[] {
  const said: string[] = [];
  let data: Buffer[] = [];
  const decoder = new FrameDecoder(MAX, {
    dataBegins: (streamId, length, endStream) =>
      said.push(`data ${streamId} ${length} ${endStream}`),
    data: (chunk) => data.push(Buffer.from(chunk)),
    dataEnds: () => {
      said.push(`= ${Buffer.concat(data).toString('hex')}`);
      data = [];
    },
    frame: (type, flags, streamId, payload) =>
      said.push(`${type} ${flags} ${streamId} ${payload.toString('hex')}`),
  });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    decoder.push(bytes.subarray(start, end));
    start = end;
  }
  return said;
}

function expected({ type, flags, streamId, payload, padding }: Frame): string[] {
  const hex = Buffer.from(payload).toString('hex');
  if (type !== 0) return [`${type} ${flags} ${streamId} ${hex}`];
  const length = payload.length + (padding === undefined ? 0 : padding + 1);
  return [`data ${streamId} ${length} ${(flags & 1) === 1}`, `= ${hex}`];
}

const streamId = fc.nat(2 ** 31 - 1);
const payload = fc.uint8Array({ maxLength: 200 });
const data: fc.Arbitrary<Frame> = fc
  .record({ streamId, payload, endStream: fc.boolean(), padding: fc.option(fc.nat(255)) })
  .map(({ endStream, padding, ...rest }) => ({
    ...{ ...rest, type: 0, padding: padding ?? undefined },
    flags: (endStream ? 1 : 0) | (padding === null ? 0 : 8),
  }));
const other: fc.Arbitrary<Frame> = fc.record({
  ...{ streamId, payload, type: fc.integer({ min: 1, max: 255 }), flags: fc.nat(255) },
});

describe('FrameDecoder', () => {
  it('reads any frames, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(data, other)), fc.array(fc.nat()), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(encode));
        expect(decode(bytes, cuts)).toEqual(frames.flatMap(expected));
      }),
    );
  });

  it('reads frames that come byte by byte', () => {
    const frames: Frame[] = [
      { type: 0, flags: 9, streamId: 5, payload: Buffer.from('abc'), padding: 2 },
      { type: 4, flags: 1, streamId: 0, payload: Buffer.alloc(0) },
      { type: 6, flags: 0, streamId: 0, payload: Buffer.from('12345678') },
      { type: 0, flags: 1, streamId: 7, payload: Buffer.alloc(0) },
    ];
    const bytes = Buffer.concat(frames.map(encode));
    const every = Array.from(bytes, (_, i) => i);
    expect(decode(bytes, every)).toEqual(frames.flatMap(expected));
  });

  it('does not read the reserved bit as part of the stream', () => {
    const bytes = encode({ type: 6, flags: 0, streamId: 0, payload: Buffer.alloc(8) });
    bytes[5] = 0x80;
    expect(decode(bytes)).toEqual([`6 0 0 ${'00'.repeat(8)}`]);
  });

  it.each([
    ['a frame above the bound', Buffer.from('0003e9000000000001', 'hex'), 6],
    ['padding that is longer than its frame', Buffer.from('00000200080000000102ff', 'hex'), 1],
    ['a padded frame without a pad length', Buffer.from('000000000800000001', 'hex'), 6],
  ])('refuses %s', (_, bytes, cause) => {
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'ERR_WIRE', cause }));
  });
});
