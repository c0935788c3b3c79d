import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** The SHA-256 of a file in lower-case hex; undefined when it cannot be read or is too long. */
export type FileHash = (path: string) => Promise<string | undefined>;

export interface FileHashOptions {
  /** A longer file has no hash. Default 512 MiB. */
  readonly maxBytes?: number;
  /** Hashes that are remembered. Default 256. */
  readonly maxKept?: number;
}

const CHUNK_BYTES = 1024 * 1024;

/** Hashes one file at a time, and each only once until it changes. */
export function fileHash({ maxBytes = 2 ** 29, maxKept = 256 }: FileHashOptions = {}): FileHash {
  const kept = new Map<string, string>();
  let before: Promise<unknown> = Promise.resolve();
  return (path) => {
    const hashed = before.then(() => hashOf(path));
    before = hashed;
    return hashed;
  };

  async function hashOf(path: string): Promise<string | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
      if (size > maxBytes) return undefined;
      // A file that was written to has another time, and the kernel sets ctime, not its owner.
      const key = [dev, ino, size, mtimeNs, ctimeNs].join();
      const known = kept.get(key);
      if (known !== undefined) return known;
      const digest = await digestOf(file, maxBytes);
      if (kept.size >= maxKept) kept.clear();
      if (digest !== undefined) kept.set(key, digest);
      return digest;
    } catch {
      return undefined;
    } finally {
      await file?.close();
    }
  }
}

async function digestOf(file: FileHandle, maxBytes: number): Promise<string | undefined> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let total = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return hash.digest('hex');
    total += bytesRead;
    if (total > maxBytes) return undefined;
    hash.update(buffer.subarray(0, bytesRead));
  }
}
