import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeNow } from './write-now.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-write-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function pipe(name: string): string {
  const path = join(directory, name);
  execFileSync('mkfifo', [path]);
  return path;
}

describe('writing what a descriptor takes now', () => {
  it('writes all of it to a file', () => {
    const path = join(directory, 'file');
    const descriptor = openSync(path, 'w');
    expect(writeNow(descriptor)(Buffer.alloc(100_000, 'x'))).toBe(100_000);
    closeSync(descriptor);
    expect(readFileSync(path)).toHaveLength(100_000);
  });

  it('does not wait for a pipe that nobody reads, and goes on when somebody does', () => {
    // Open for both, so that it has a reader which does not read.
    const descriptor = openSync(pipe('unread'), constants.O_RDWR);
    const write = writeNow(descriptor);
    const taken = write(Buffer.alloc(1_000_000, 'x'));
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(1_000_000);
    expect(write(Buffer.from('more'))).toBe(0);
    expect(readSync(descriptor, Buffer.alloc(8_192))).toBe(8_192);
    expect(write(Buffer.from('more'))).toBe(4);
    closeSync(descriptor);
  });

  it('says what the system says of a reader that has gone, and of a full disk', () => {
    const path = pipe('left');
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    closeSync(reader);
    expect(() => writeNow(writer)(Buffer.from('x'))).toThrow(/EPIPE/);
    closeSync(writer);
    const full = openSync('/dev/full', 'w');
    expect(() => writeNow(full)(Buffer.from('x'))).toThrow(/ENOSPC/);
    closeSync(full);
  });
});
