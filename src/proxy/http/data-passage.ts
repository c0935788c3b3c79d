import type { Http2Stream } from './http2-stream.ts';

/** What a passage does with what it reads. */
export interface PassageEnd {
  isOpen(stream: Http2Stream): boolean;
  /** Takes content; false: it goes nowhere, so the sender is given the room back. */
  pass(stream: Http2Stream, chunk: Buffer, endStream: boolean): boolean;
  /** Gives room back to the sender: of the stream where there is one, and of the connection. */
  credit(bytes: number, stream: Http2Stream | undefined): void;
}

interface Passing {
  readonly stream: Http2Stream | undefined;
  readonly length: number;
  readonly endStream: boolean;
  passed: number;
  /** Content that was not handed on yet, so that the end of the stream may go with it. */
  last: Buffer | undefined;
}

const EMPTY = Buffer.alloc(0);

/** The DATA frames of one direction, as they are read; padding ends here. */
export class DataPassage {
  readonly #end: PassageEnd;
  #passing: Passing | undefined;

  constructor(end: PassageEnd) {
    this.#end = end;
  }

  begin(stream: Http2Stream | undefined, length: number, endStream: boolean): void {
    this.#passing = { stream, length, endStream, passed: 0, last: undefined };
  }

  data(chunk: Buffer): void {
    const passing = this.#passing;
    if (passing === undefined) return;
    this.#hand(passing, false);
    passing.last = chunk;
  }

  /** What was lent must be handed on before the call returns in which it was. */
  release(): void {
    if (this.#passing !== undefined) this.#hand(this.#passing, false);
  }

  /** The frame is whole. Returns the stream if that is now at its end. */
  finish(): Http2Stream | undefined {
    const passing = this.#passing;
    this.#passing = undefined;
    if (passing === undefined) return undefined;
    const { stream, length, endStream } = passing;
    this.#hand(passing, endStream);
    const open = stream !== undefined && this.#end.isOpen(stream);
    this.#end.credit(length - passing.passed, open && !endStream ? stream : undefined);
    return open && endStream ? stream : undefined;
  }

  #hand(passing: Passing, endStream: boolean): void {
    const { stream, last } = passing;
    if (stream === undefined || (last === undefined && !endStream)) return;
    passing.last = undefined;
    if (!this.#end.isOpen(stream)) return;
    const chunk = last ?? EMPTY;
    if (this.#end.pass(stream, chunk, endStream)) passing.passed += chunk.length;
  }
}
