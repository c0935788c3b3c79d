import fc from 'fast-check';
import { HpackDecoder } from '../../src/proxy/hbone/hpack/hpack-decoder.ts';
import { ConnectionEnd } from './connection-pair.ts';
import { mutatedBytes } from './hostile-bytes.ts';
import { CONNECT, opening, rawFrame } from './raw-peer.ts';

const SETTINGS = rawFrame(4, 0, 0, '000300000064000400100000');
const GET = rawFrame(1, 5, 5, '828684');

/** Frames of all kinds, each sequence as a peer might send it. */
const sequences: readonly Buffer[] = [
  [SETTINGS, rawFrame(4, 1, 0), opening(1), rawFrame(0, 1, 1, '616263')],
  [
    SETTINGS,
    opening(1, 0),
    rawFrame(9, 4, 1),
    rawFrame(0, 8, 1, '02610000'),
    rawFrame(3, 0, 1, '00000008'),
  ],
  [
    SETTINGS,
    opening(1),
    rawFrame(8, 0, 1, '00001000'),
    rawFrame(8, 0, 0, '7fff0000'),
    rawFrame(4, 0, 0, '000400000001'),
  ],
  [SETTINGS, rawFrame(6, 0, 0, '0102030405060708'), rawFrame(2, 0, 3, '0000000010'), GET],
  [SETTINGS, rawFrame(7, 0, 0, '0000000000000000'), rawFrame(0xbe, 0, 0, '00')],
].map((frames) => Buffer.concat(frames));

/** Sequences of frames that are changed somewhere, cut into chunks. */
export const hostileFrames: fc.Arbitrary<{
  readonly bytes: Uint8Array;
  readonly chunkBytes: number;
}> = fc.record({ bytes: mutatedBytes(sequences), chunkBytes: fc.constantFrom(1, 7, 16_384) });

/** Header blocks that are changed somewhere, or made up. */
export const hostileBlocks: fc.Arbitrary<readonly Uint8Array[]> = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    mutatedBytes([CONNECT, Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex')]),
  ),
  { minLength: 1, maxLength: 4 },
);

/** Either side of a connection reads them; whatever they are, it ends by itself and keeps its bounds. */
export function readFrames({ bytes, chunkBytes }: { bytes: Uint8Array; chunkBytes: number }): void {
  for (const role of ['server', 'client'] as const) {
    const end = new ConnectionEnd(role);
    if (role === 'client') end.open();
    else end.receive(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      end.receive(Buffer.from(bytes.subarray(at, at + chunkBytes)));
    }
    if (end.failures.length > 1) throw new Error(`it failed more than once: ${end.failures}`);
    if (end.output.unsent > 64 * 1024) throw new Error(`${end.output.unsent} bytes to send`);
    for (; !end.quiet; end.sent()) {
      end.turn();
      end.take();
    }
  }
}

/** @throws {MeshError} ERR_WIRE when a block cannot be decoded. */
export function readBlocks(blocks: readonly Uint8Array[]): void {
  const decoder = new HpackDecoder(16_384);
  for (const block of blocks) decoder.decode(Buffer.from(block));
}
