import { describe, expect, it } from 'vitest';
import type { FrameOutput } from '../frames/frame-output.ts';
import type { HboneStream } from './hbone-stream.ts';
import { SendQueue } from './send-queue.ts';

const KIB = 1024;

/** A queue whose output notes how large each frame is, and holds all until it is told that it went out. */
function queueOf() {
  const output = {
    unsent: 0,
    frames: [] as number[],
    data(_id: number, chunk: Uint8Array, maxBytes: number): number {
      const bytes = Math.min(chunk.length, maxBytes);
      output.unsent += bytes;
      output.frames.push(bytes);
      return bytes;
    },
  };
  const queue = new SendQueue(output as unknown as FrameOutput, () => undefined);
  queue.grow(100 * 1024 * KIB);
  const stream = { id: 1, sendWindow: 100 * 1024 * KIB } as HboneStream;
  const send = (bytes: number): number => queue.send(stream, new Uint8Array(bytes), bytes);
  return { queue, output, send };
}

describe('SendQueue', () => {
  it('makes frames of 64 KiB at most, however large a peer takes them, and smaller where it does not', () => {
    const large = queueOf();
    large.queue.peerFrameBytes = 2 ** 24 - 1;
    large.send(100 * KIB);
    expect(large.output.frames).toEqual([64 * KIB, 36 * KIB]);
    const usual = queueOf();
    usual.send(20 * KIB);
    expect(usual.output.frames).toEqual([16 * KIB, 4 * KIB]);
  });

  it('holds writers of much back at 128 KiB, and those of little at 256', () => {
    const { queue, output } = queueOf();
    output.unsent = 128 * KIB - 1;
    expect([queue.hasRoomAfter(100 * KIB), queue.hasRoomAfter(100)]).toEqual([true, true]);
    output.unsent = 128 * KIB;
    expect([queue.hasRoomAfter(4 * KIB), queue.hasRoomAfter(4 * KIB - 1)]).toEqual([false, true]);
    output.unsent = 256 * KIB;
    expect(queue.hasRoomAfter(100)).toBe(false);
  });

  it('frames nothing above 256 KiB', () => {
    const { output, send } = queueOf();
    output.unsent = 256 * KIB - 1;
    expect(send(100 * KIB)).toBe(16 * KIB);
    expect(send(1)).toBe(0);
  });
});
