import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

describe('ByteQueue', () => {
  it('gives the bytes back in order, however they were cut', () => {
    const step = fc.oneof(
      fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      fc.integer({ min: 1, max: 40_000 }).map((length) => Buffer.alloc(length, length)),
      fc.constant('shift' as const),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new ByteQueue();
        const taken: Buffer[] = [];
        for (const each of steps) {
          if (each === 'shift') taken.push(queue.shift() ?? Buffer.alloc(0));
          else if (each.length % 2 === 0) queue.push(each, false);
          else {
            const lent = Buffer.from(each);
            queue.push(lent, true);
            lent.fill(0xee);
          }
        }
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) taken.push(next);
        const all = Buffer.concat(steps.filter((each) => each !== 'shift'));
        expect(Buffer.concat(taken).equals(all)).toBe(true);
        expect(queue.length).toBe(0);
      }),
    );
  });

  it('holds little more memory than its bytes, also of crumbs of large buffers', () => {
    const queue = new ByteQueue();
    for (let i = 0; i < 10_000; i++) queue.push(Buffer.alloc(16_384).subarray(i, i + 1), false);
    const chunks: Buffer[] = [];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) chunks.push(next);
    const held = chunks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    expect(held).toBeLessThan(32_768);
  });
});
