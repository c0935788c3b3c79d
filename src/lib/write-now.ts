import { fstatSync, writeSync } from 'node:fs';
import { libcFunction } from './libc-function.ts';

const poll = libcFunction<number, [Buffer, number, number]>(
  'int poll(_Inout_ void *descriptors, unsigned long count, int timeout)',
);
const POLLOUT = 4;
/** A pipe that is writable at all takes so much without waiting (PIPE_BUF, pipe(7)). */
const CHUNK_BYTES = 4096;

/** Writes what a descriptor takes now; returns how many bytes that were. */
export type WriteNow = (bytes: Uint8Array) => number;

/**
 * Writes to a descriptor without ever waiting for who reads there: a pipe, socket or terminal that nobody reads
 * takes 0 bytes. It is asked by poll(2) before each write, and not set to O_NONBLOCK, which other processes would
 * find set too.
 *
 * @throws what write(2) says, such as ENOSPC and EPIPE.
 */
export function writeNow(descriptor: number): WriteNow {
  if (!mayWait(descriptor)) return (bytes) => writeSync(descriptor, bytes);
  return (bytes) => {
    let written = 0;
    while (written < bytes.length && isWritable(descriptor)) {
      try {
        written += writeSync(descriptor, bytes.subarray(written, written + CHUNK_BYTES));
      } catch (error) {
        if (written > 0 || (error as NodeJS.ErrnoException).code === 'EAGAIN') return written;
        throw error;
      }
    }
    return written;
  };
}

function mayWait(descriptor: number): boolean {
  try {
    const about = fstatSync(descriptor);
    return !about.isFile();
  } catch {
    return false;
  }
}

function isWritable(descriptor: number): boolean {
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(descriptor, 0);
  asked.writeInt16LE(POLLOUT, 4);
  // An end that has gone counts as well: the write says so.
  return poll(asked, 1, 0) !== 0;
}
