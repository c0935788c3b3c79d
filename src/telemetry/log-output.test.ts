import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogOutput } from './log-output.ts';

/** Takes as many bytes as it has room for, and throws what it was told to. */
class Reader {
  room = Number.POSITIVE_INFINITY;
  failure: string | undefined;
  text = '';

  readonly take = (bytes: Uint8Array): number => {
    if (this.failure !== undefined) {
      throw Object.assign(new Error(`${this.failure}: write`), { code: this.failure });
    }
    const taken = Buffer.from(bytes.subarray(0, this.room));
    this.room -= taken.length;
    this.text += taken.toString('latin1');
    return taken.length;
  };
}

function outputTo(reader: Reader, maxWaitingBytes = 1_000) {
  const retries: (() => void)[] = [];
  const ends: (() => void)[] = [];
  const output = new LogOutput({
    writeNow: reader.take,
    lostLine: ({ lines, reason }) => `lost ${lines}: ${reason}\n`,
    maxWaitingBytes,
    later: (again) => retries.push(again),
    atEnd: (finish) => ends.push(finish),
  });
  return { output, ends, retries, retry: () => retries.shift()?.() };
}

describe('the output of a log', () => {
  it('writes each line at once', () => {
    const reader = new Reader();
    const { output } = outputTo(reader);
    output.write('one\n');
    expect(reader.text).toBe('one\n');
    output.write('two\n');
    expect(reader.text).toBe('one\ntwo\n');
  });

  it('keeps lines for a reader that has stopped, and goes on where that stopped', () => {
    const reader = new Reader();
    reader.room = 2;
    const { output, retry } = outputTo(reader);
    output.write('one\n');
    output.write('two\n');
    retry();
    expect(reader.text).toBe('on');
    reader.room = 3;
    retry();
    reader.room = 100;
    retry();
    output.write('three\n');
    expect(reader.text).toBe('one\ntwo\nthree\n');
  });

  it('loses the newest lines when too many wait, and tells how many and why', () => {
    const reader = new Reader();
    reader.failure = 'ENOSPC';
    const { output, retry } = outputTo(reader, 8);
    for (const line of ['one\n', 'two\n', 'three\n', 'four\n']) output.write(line);
    reader.failure = undefined;
    retry();
    output.write('five\n');
    expect(reader.text).toBe('one\ntwo\nlost 2: ENOSPC: write\nfive\n');
  });

  it('gives up a log whose reader has gone', () => {
    const reader = new Reader();
    reader.failure = 'EPIPE';
    const { output, retries } = outputTo(reader);
    output.write('one\n');
    reader.failure = undefined;
    output.write('two\n');
    expect(reader.text).toBe('');
    expect(retries).toEqual([]);
  });

  it('writes at the end of the process what can be written', () => {
    const reader = new Reader();
    reader.room = 0;
    const { output, ends, retry } = outputTo(reader);
    output.write('one\n');
    retry();
    reader.room = 100;
    for (const finish of ends) finish();
    expect(reader.text).toBe('one\n');
  });

  it('keeps the order, and loses nothing that is not told of, whatever a reader does', () => {
    const step = fc.oneof(
      fc.record({ room: fc.integer({ min: 0, max: 12 }), failure: fc.constant(undefined) }),
      fc.constant({ failure: 'ENOSPC' }),
      fc.constantFrom('retry' as const, 'line' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const reader = new Reader();
        const { output, retries, retry } = outputTo(reader, 20);
        let written = 0;
        for (const each of steps) {
          if (each === 'line') output.write(`${written++}\n`);
          else if (each === 'retry') retry();
          else Object.assign(reader, each);
        }
        Object.assign(reader, { room: 10_000, failure: undefined });
        while (retries.length > 0) retry();
        expect(counted(reader.text)).toBe(written);
      }),
    );
  });
});

/** How many lines are there or told of as lost. Those that are there are in order. */
function counted(text: string): number {
  const lines = text.split('\n').slice(0, -1);
  const numbers = lines.filter((line) => !line.startsWith('lost')).map(Number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  const lost = lines.map((line) => Number(/^lost (\d+)/.exec(line)?.[1] ?? 0));
  return lost.reduce((sum, count) => sum + count, numbers.length);
}
