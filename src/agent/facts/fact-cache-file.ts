import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { errorCode, fileProblem } from '../../lib/file-problem.ts';

/** One fact as it is kept; `resource` is its JSON form, not to be trusted before it was checked. */
export interface KeptFact {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly resource: unknown;
}

export interface KeptFacts {
  /** The mesh that they are of, by each of its names. */
  readonly meshIds: readonly string[];
  readonly savedAtMs: number;
  readonly facts: readonly KeptFact[];
}

export interface FactFileOptions {
  readonly directory: string;
  readonly maxBytes: number;
}

const FORMAT = 'hauberk-facts';
const FORMAT_VERSION = 1;
const CHUNK_CHARACTERS = 1_048_576;
const OTHERS_MAY_WRITE = 0o022;

/**
 * Facts on disk: lines of JSON, first a header with format, version and mesh, then a fact a line,
 * last the number of facts and the SHA-256 of all bytes before. The file is replaced whole, survives
 * a crash at any moment, and is readable and writable for its owner only.
 */
export class FactFile {
  readonly path: string;
  readonly #directory: string;
  readonly #maxBytes: number;

  constructor({ directory, maxBytes }: FactFileOptions) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.path = join(directory, 'facts.jsonl');
  }

  /**
   * What was written last; undefined when there is no file.
   *
   * @throws {MeshError} ERR_STORE saying why the file cannot be used, or ERR_LIMIT for its size.
   */
  async read(): Promise<KeptFacts | undefined> {
    let handle: FileHandle | undefined;
    try {
      // A pipe in its place would be waited for without an end.
      handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stat = await handle.stat();
      const { size, mode } = stat;
      if (!stat.isFile()) throw new MeshError('ERR_STORE', 'it is no plain file');
      if (size > this.#maxBytes)
        throw new MeshError('ERR_LIMIT', `it has ${size} bytes, the limit is ${this.#maxBytes}`);
      if ((mode & OTHERS_MAY_WRITE) !== 0)
        throw new MeshError('ERR_STORE', 'others than its owner may write to it');
      return parseFacts(await handle.readFile());
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return undefined;
      if (MeshError.is(cause)) throw cause;
      throw new MeshError('ERR_STORE', fileProblem(cause), { cause });
    } finally {
      await handle?.close();
    }
  }

  /**
   * Replaces what was written before; that stays when this fails.
   *
   * @throws {MeshError} ERR_LIMIT when the facts are too many, ERR_STORE when the disk refuses.
   */
  async write(kept: KeptFacts): Promise<void> {
    const temporary = `${this.path}.new`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await rm(temporary, { force: true });
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await this.#writeLines(handle, kept);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.path);
      await this.#syncDirectory();
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (MeshError.is(cause)) throw cause;
      throw new MeshError('ERR_STORE', fileProblem(cause), { cause });
    }
  }

  /** Moves the file out of the way, over one that was before; returns where it is now, if that went well. */
  async setAside(): Promise<string | undefined> {
    const aside = `${this.path}.set-aside`;
    try {
      await rename(this.path, aside);
      return aside;
    } catch {
      return undefined;
    }
  }

  // In pieces, so that neither many facts nor a slow disk hold up the agent.
  async #writeLines(handle: FileHandle, kept: KeptFacts): Promise<void> {
    const hash = createHash('sha256');
    let written = 0;
    let waiting = '';
    const flush = async (): Promise<void> => {
      const bytes = Buffer.from(waiting);
      waiting = '';
      written += bytes.length;
      if (written > this.#maxBytes)
        throw new MeshError('ERR_LIMIT', `they need more than ${this.#maxBytes} bytes`);
      hash.update(bytes);
      await handle.writeFile(bytes);
    };
    for (const line of linesOf(kept)) {
      waiting += `${line}\n`;
      if (waiting.length >= CHUNK_CHARACTERS) await flush();
    }
    await flush();
    waiting = `${trailerOf(kept.facts.length, hash.copy())}\n`;
    await flush();
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

function* linesOf({ meshIds, savedAtMs, facts }: KeptFacts): Generator<string> {
  yield JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, meshIds, savedAtMs });
  for (const { typeUrl, name, version, resource } of facts)
    yield JSON.stringify({ typeUrl, name, version, resource });
}

function trailerOf(facts: number, hash: Hash): string {
  return JSON.stringify({ facts, sha256: hash.digest('hex') });
}

function parseFacts(bytes: Buffer): KeptFacts {
  const end = bytes.lastIndexOf('\n', -2) + 1;
  const body = bytes.subarray(0, end);
  const lines = body.toString('utf8').split('\n').slice(0, -1);
  const expected = trailerOf(lines.length - 1, createHash('sha256').update(body));
  if (end === 0 || bytes.subarray(end).toString('utf8') !== `${expected}\n`)
    throw new MeshError('ERR_STORE', 'it was altered or is not whole');
  const [header, ...facts] = lines.map((line) => JSON.parse(line));
  if (header.format !== FORMAT || header.version !== FORMAT_VERSION)
    throw new MeshError(
      'ERR_STORE',
      `it is in format "${header.format}" version ${header.version}, not "${FORMAT}" version ${FORMAT_VERSION}`,
    );
  // Before roots could be replaced a mesh had one name.
  const meshIds: readonly string[] = header.meshIds ?? [header.meshId];
  return { meshIds, savedAtMs: header.savedAtMs, facts };
}
