import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { MeshError } from './errors.ts';
import { errorCode, fileProblem } from './file-problem.ts';

export interface SmallFile {
  readonly path: string;
  /** What it is, for messages: `token file`. */
  readonly what: string;
  readonly maxBytes: number;
  /** So long a pipe, as the shell's `<(command)` is one, may take to its end; 0 (default) refuses pipes and devices. */
  readonly pipeMs?: number;
}

const OPEN = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const POLL_MS = 20;

/**
 * The text of a file, which is never waited for without an end.
 *
 * @throws {MeshError} ERR_STORE when it cannot be read, is no plain file, or is too large. What is in it is in no message.
 */
export function readSmallFile(file: SmallFile): string {
  const { path, what, maxBytes, pipeMs = 0 } = file;
  const name = `the ${what} "${path}"`;
  let fd: number | undefined;
  try {
    fd = openSync(path, OPEN);
    const stat = fstatSync(fd);
    refuse(stat, name, file);
    // One more than may be: a pipe does not tell its size, and a file may have grown.
    const bytes = Buffer.alloc(Math.min(maxBytes, stat.isFile() ? stat.size : maxBytes) + 1);
    const read = readAll(fd, bytes, stat.isFIFO() ? pipeMs : 0);
    if (read > maxBytes) throw tooLarge(name, `more than ${maxBytes} bytes`, maxBytes);
    return bytes.toString('utf8', 0, read);
  } catch (cause) {
    if (MeshError.is(cause)) throw cause;
    throw new MeshError('ERR_STORE', `${name} cannot be read: ${fileProblem(cause)}`, { cause });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function refuse(stat: Stats, name: string, { maxBytes, pipeMs = 0 }: SmallFile): void {
  if (stat.isDirectory() || (!stat.isFile() && pipeMs === 0)) {
    throw new MeshError(
      'ERR_STORE',
      `${name} is ${stat.isDirectory() ? 'a directory' : 'no plain file'}; there must be a file in its place`,
    );
  }
  if (stat.size > maxBytes) throw tooLarge(name, `${stat.size} bytes`, maxBytes);
}

function tooLarge(name: string, has: string, maxBytes: number): MeshError {
  return new MeshError(
    'ERR_STORE',
    `${name} has ${has}, at most ${maxBytes} are read; is it the right file?`,
  );
}

/** How many bytes came before the end, or before `bytes` was full. */
function readAll(fd: number, bytes: Buffer, patienceMs: number): number {
  const idle = new Int32Array(new SharedArrayBuffer(4));
  let read = 0;
  for (let waitedMs = 0; read < bytes.length; ) {
    const count = readSome(fd, bytes, read);
    if (count > 0) read += count;
    // A pipe that nobody has begun to write to looks as if it had ended.
    else if (count === 0 && (read > 0 || patienceMs === 0)) break;
    else if (waitedMs >= patienceMs) throw new Error(`nothing came for ${patienceMs} ms`);
    else {
      Atomics.wait(idle, 0, 0, POLL_MS);
      waitedMs += POLL_MS;
    }
  }
  return read;
}

/** -1: nothing yet. */
function readSome(fd: number, bytes: Buffer, at: number): number {
  try {
    return readSync(fd, bytes, at, bytes.length - at, null);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return -1;
    throw error;
  }
}
