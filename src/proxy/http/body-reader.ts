import type { BodyFraming } from './body-framing.ts';
import type { Fields } from './fields.ts';
import { HeadReader } from './head-reader.ts';
import { httpFault, shown } from './http-fault.ts';
import { parseFields } from './parse-fields.ts';

type Phase = 'size' | 'content' | 'content-end' | 'trailers' | 'length' | 'until-end' | 'done';

/** A size and extensions without control characters; more hex digits than 2^52 needs are none. */
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const MAX_CHUNK_LINE = 512;
const LF = 10;
const CR = 13;
/** These would change what the message is, should somebody take trailers for headers. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'trailer', 'te', 'upgrade'],
  ...['authorization', 'cookie', 'set-cookie', 'content-encoding', 'content-type', 'content-range'],
]);

export interface BodyReaderOptions {
  /** More names that trailers may not have, in lower case. */
  readonly isForbidden?: ((name: string) => boolean) | undefined;
  /** Told the content as it comes, without the framing; lent until it returns. */
  readonly content?: ((chunk: Buffer) => void) | undefined;
}

/** Finds where a body ends, in chunks that are cut anywhere; nothing of the body is kept. */
export class BodyReader {
  readonly #isForbidden: (name: string) => boolean;
  readonly #told: ((chunk: Buffer) => void) | undefined;
  #phase: Phase;
  #missing = 0;
  /** The line that is being read; a chunk's size or the CRLF after it. */
  #line = '';
  #trailers: HeadReader | undefined;

  constructor(
    framing: BodyFraming,
    { isForbidden = () => false, content }: BodyReaderOptions = {},
  ) {
    this.#isForbidden = isForbidden;
    this.#told = content;
    if (framing.kind === 'length') this.#missing = framing.bytes;
    this.#phase = PHASES[framing.kind];
  }

  get done(): boolean {
    return this.#phase === 'done';
  }

  /** Whether the end of the connection is where this body ends. */
  get endsWithConnection(): boolean {
    return this.#phase === 'until-end' || this.#phase === 'done';
  }

  /** Where in `chunk` the body ends, or the length of the chunk. @throws {MeshError} ERR_WIRE */
  take(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#phase !== 'done') at = this.#step(chunk, at);
    return at;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'length':
      case 'content':
        return this.#content(chunk, at);
      case 'size':
        return this.#size(chunk, at);
      case 'content-end':
        return this.#contentEnd(chunk, at);
      case 'trailers':
        return this.#readTrailers(chunk, at);
      default:
        return chunk.length;
    }
  }

  #content(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#missing -= end - at;
    this.#told?.(chunk.subarray(at, end));
    if (this.#missing === 0) this.#phase = this.#phase === 'length' ? 'done' : 'content-end';
    return end;
  }

  #size(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LF, at);
    const part = chunk.toString('latin1', at, end < 0 ? chunk.length : end + 1);
    this.#line += part;
    if (this.#line.length > MAX_CHUNK_LINE) throw httpFault('a chunk size line that is too long');
    if (end < 0) return chunk.length;
    if (!this.#line.endsWith('\r\n')) throw httpFault('a chunk size that ends with LF alone');
    const line = this.#line.slice(0, -2);
    const [, digits] = CHUNK_LINE.exec(line) ?? [];
    if (digits === undefined) throw httpFault(`the chunk size ${shown(line)}`);
    this.#line = '';
    this.#missing = Number.parseInt(digits, 16);
    this.#phase = this.#missing === 0 ? 'trailers' : 'content';
    return end + 1;
  }

  #contentEnd(chunk: Buffer, at: number): number {
    const wanted = this.#line === '' ? CR : LF;
    if (chunk[at] !== wanted) throw httpFault('a chunk that is not followed by CRLF');
    this.#line = wanted === CR ? '\r' : '';
    if (wanted === LF) this.#phase = 'size';
    return at + 1;
  }

  #readTrailers(chunk: Buffer, at: number): number {
    this.#trailers ??= new HeadReader();
    // A section of fields ends with an empty line. Without any field that is all there is of it.
    if (this.#line === '' && !this.#trailers.begun) {
      if (chunk[at] === CR) {
        this.#line = '\r';
        return at + 1;
      }
    } else if (this.#line === '\r') {
      if (chunk[at] !== LF) throw httpFault('a CR without LF in trailers');
      this.#phase = 'done';
      return at + 1;
    }
    const taken = this.#trailers.take(chunk, at);
    if (taken === undefined) return chunk.length;
    this.#check(parseFields(taken.text, 0));
    this.#phase = 'done';
    return taken.end;
  }

  #check(trailers: Fields): void {
    for (const [name] of trailers.all()) {
      const lower = name.toLowerCase();
      if (NOT_IN_TRAILERS.has(lower) || this.#isForbidden(lower)) {
        throw httpFault(`the trailer ${shown(name)}, which must be a header`);
      }
    }
  }
}

const PHASES: Readonly<Record<BodyFraming['kind'], Phase>> = {
  none: 'done',
  length: 'length',
  chunked: 'size',
  'until-end': 'until-end',
};
