import { type FileHandle, open } from 'node:fs/promises';
import type { LogLine, LogSource } from '../../apiserver/pod-log.ts';
import type { Clock } from '../../lib/clock.ts';

const CHUNK_BYTES = 64 * 1024;
/** How often a log that is followed is looked at. */
const LOOK_MS = 250;

/**
 * The audit log as the log of the control plane's Pod: everything that it does is there, a JSON object a line,
 * and no secret.
 */
export function auditAsLog(path: string, clock: Clock): LogSource {
  return {
    async *lines({ follow }, signal) {
      const file = await open(path, 'r');
      try {
        yield* linesOf(file, signal);
        yield 'all kept';
        while (follow && !signal.aborted) {
          await clock.sleep(LOOK_MS, signal);
          yield* linesOf(file, signal);
        }
      } finally {
        await file.close();
      }
    },
  };
}

/** The whole lines from where the file was read last to its end. */
async function* linesOf(file: FileHandle, signal: AbortSignal): AsyncGenerator<LogLine> {
  let rest = restOf.get(file) ?? '';
  const buffer = Buffer.alloc(CHUNK_BYTES);
  while (!signal.aborted) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
    if (bytesRead === 0) return;
    // The log is ASCII but for names, whose letters a chunk may cut: Latin-1 keeps every byte.
    const parts = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
    rest = parts.pop() ?? '';
    restOf.set(file, rest);
    for (const part of parts) yield lineOf(Buffer.from(part, 'latin1').toString());
  }
}

/** The beginning of a line whose end is not written yet. */
const restOf = new WeakMap<FileHandle, string>();

function lineOf(text: string): LogLine {
  const time = /"time":"([^"]{20,30})"/.exec(text)?.[1] ?? '';
  const atMs = Date.parse(time);
  return { atMs: Number.isNaN(atMs) ? 0 : atMs, text };
}
