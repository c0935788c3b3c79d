import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogDescriptor } from './log-descriptor.ts';

/** Lines that tell their length, of up to 3,000 bytes. */
const lineOf = (at: number): string => `${at} ${'x'.repeat((at * 577) % 3_000)}\n`;

describe('a log on a pipe that nobody reads for a while', () => {
  const mostBytes = 20_000;
  let directory: string;
  let [reader, writer] = [-1, -1];
  let lost: number[];
  let later: (() => void)[];
  let log: LogDescriptor;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hauberk-log-'));
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    lost = [];
    later = [];
    log = new LogDescriptor({
      ...{ fd: writer, mostBytes },
      lost: (lines) => lost.push(lines),
      later: (again) => later.push(again),
    });
  });
  afterEach(() => {
    for (const fd of [reader, writer]) if (fd !== -1) closeSync(fd);
    rmSync(directory, { recursive: true, force: true });
  });

  function read(): string {
    const bytes = Buffer.alloc(200_000);
    let length = 0;
    for (;;) {
      try {
        length += readSync(reader, bytes, length, bytes.length - length, null);
      } catch {
        return bytes.toString('utf8', 0, length);
      }
    }
  }

  it('goes on, keeps what came first whole and in order, and tells how much is missing', () => {
    const many = 200;
    for (let at = 0; at < many; at += 1) log.write(lineOf(at));
    expect(lost).toEqual([]);
    expect(later).toHaveLength(1);
    let text = read();
    later[0]?.();
    text += read();
    const kept = text.split('\n').length - 1;
    // A pipe has room for 64 KiB, and short lines fit where a long one does not.
    expect(lost).toEqual([many - kept]);
    expect(kept).toBeGreaterThan(20);
    const numbers = text.split('\n').slice(0, -1).map(Number.parseFloat);
    expect(text).toBe(numbers.map(lineOf).join(''));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    log.write('after\n');
    expect(read()).toBe('after\n');
    expect(lost).toHaveLength(1);
  });

  it('tries again with the next line, also with one that has no room beside what waits', () => {
    for (let at = 0; at < 200; at += 1) log.write(lineOf(at));
    read();
    const long = `${'y'.repeat(mostBytes - 1)}\n`;
    log.write(long);
    expect(read().endsWith(long)).toBe(true);
    expect(lost).toHaveLength(1);
  });

  it('waits for nobody when the reader is gone', () => {
    closeSync(reader);
    reader = -1;
    for (let at = 0; at < 200; at += 1) log.write(lineOf(at));
    expect(later).toEqual([]);
    expect(lost).toEqual([]);
  });
});

it('does not keep a process whose disk is full', () => {
  const module = JSON.stringify(new URL('./process-log.ts', import.meta.url).href);
  const script = `import { processLog } from ${module};
    processLog('test').info('hello');`;
  const args = ['-c', 'exec "$0" --input-type=module -e "$1" >/dev/full', process.execPath, script];
  const { status, stderr } = spawnSync('sh', args, { encoding: 'utf8', timeout: 20_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
