import { describe, expect, it } from 'vitest';
import { FrameOutput } from './frame-output.ts';
import { SlabPool } from './slab-pool.ts';

function callAll(calls: (() => void)[]): void {
  for (const call of calls.splice(0)) call();
}

/** An output into slabs of 64 bytes, whose sink says that bytes are out when told to. */
function outputOf() {
  const writes: Buffer[] = [];
  const pending: (() => void)[] = [];
  const scheduled: (() => void)[] = [];
  let progress = 0;
  const output = new FrameOutput({
    slabs: new SlabPool(64, 4),
    sink: {
      write: (bytes, written) => {
        writes.push(Buffer.from(bytes));
        pending.push(written);
      },
    },
    schedule: (call) => scheduled.push(call),
    written: () => {
      progress += 1;
    },
  });
  return {
    ...{ output, writes },
    turn: () => callAll(scheduled),
    sent: () => callAll(pending),
    progress: () => progress,
  };
}

describe('FrameOutput', () => {
  it('writes all frames of one turn at once', () => {
    const { output, writes, turn } = outputOf();
    output.number(8, 3, 1_000);
    expect(output.data(3, Buffer.from('abc'), 100)).toBe(3);
    output.endStream(3);
    expect(writes).toEqual([]);
    turn();
    expect(writes.map((each) => each.toString('hex'))).toEqual([
      '00000408000000000 3000003e8 000003000000000003616263 000000000100000003'.replaceAll(' ', ''),
    ]);
  });

  it('takes as much data as fits, and goes on in the next slab', () => {
    const { output, writes, turn } = outputOf();
    const body = Buffer.alloc(100, 1);
    const first = output.data(1, body, 100);
    expect(first).toBe(55);
    expect(output.data(1, body.subarray(first), 100)).toBe(45);
    turn();
    expect(writes.map(({ length }) => length)).toEqual([64, 54]);
  });

  it('sends no more of a stream in one frame than it is told', () => {
    const { output } = outputOf();
    expect(output.data(1, Buffer.alloc(50), 20)).toBe(20);
  });

  it('counts what is not out yet, and tells of progress', () => {
    const { output, turn, sent, progress } = outputOf();
    output.raw(Buffer.alloc(10));
    expect(output.unsent).toBe(10);
    turn();
    expect(output.unsent).toBe(10);
    sent();
    expect([output.unsent, progress()]).toEqual([0, 1]);
  });

  it('does not write into a slab again before its bytes are out', () => {
    const { output, writes, turn, sent } = outputOf();
    output.raw(Buffer.from('first'));
    turn();
    output.raw(Buffer.from('second'));
    turn();
    sent();
    output.raw(Buffer.from('third'));
    turn();
    expect(writes.map(String)).toEqual(['first', 'second', 'third']);
  });

  it('calls back once what was written until then is out', () => {
    const { output, turn, sent } = outputOf();
    const said: string[] = [];
    output.whenSent(() => said.push('nothing written'));
    output.raw(Buffer.from('a'));
    output.whenSent(() => said.push('a'));
    turn();
    output.raw(Buffer.from('b'));
    output.whenSent(() => said.push('b'));
    sent();
    expect(said).toEqual(['nothing written', 'a']);
    turn();
    sent();
    expect(said).toEqual(['nothing written', 'a', 'b']);
  });
});
