import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SlabWrites } from './slab-writes.ts';

/** A stream that takes what is written only when told to. */
function slowStream() {
  const written: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const duplex = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      written.push(Buffer.from(chunk));
      waiting.push(done);
    },
  });
  return { duplex, written, release: () => waiting.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SlabWrites', () => {
  it('keeps a copy of what was lent, and writes all of a turn at once', async () => {
    const { duplex, written } = slowStream();
    const writes = new SlabWrites(duplex, () => undefined);
    const lent = Buffer.from('first ');
    writes.write(lent);
    lent.fill(0);
    writes.write(Buffer.from('second'));
    expect([written.length, writes.pending]).toEqual([0, true]);
    await turn();
    expect(written.map(String)).toEqual(['first second']);
  });

  it('brings many bytes in order, however slow the stream is', async () => {
    const { duplex, written, release } = slowStream();
    const writes = new SlabWrites(duplex, () => undefined);
    const body = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 31) & 0xff));
    for (let at = 0; at < body.length; at += 16_384) {
      writes.write(body.subarray(at, at + 16_384));
      if (at % 65_536 === 0) release();
    }
    for (let i = 0; i < 30; i++) {
      release();
      await turn();
    }
    expect(Buffer.concat(written).equals(body)).toBe(true);
  });

  it('holds the writer back above its bound, and tells when there is room', async () => {
    const { duplex, release } = slowStream();
    let drains = 0;
    const writes = new SlabWrites(duplex, () => {
      drains += 1;
    });
    expect(writes.write(Buffer.alloc(100_000))).toBe(true);
    expect(writes.write(Buffer.alloc(100_000))).toBe(false);
    expect(writes.held).toBe(true);
    for (let i = 0; i < 4; i++) {
      release();
      await turn();
    }
    expect([writes.held, drains]).toEqual([false, 1]);
  });
});
