import type { HboneStream } from './hbone-stream.ts';

/** What an identifier stands for. `reset`: cut by us, so frames may still be on their way. */
export type StreamKind = 'open' | 'idle' | 'closed' | 'reset';

const MAX_REMEMBERED = 1_024;
const LAST_ID = 0x7fff_fffe;

/** The streams of one connection: the client's have odd identifiers, and there are no others. */
export class StreamTable {
  readonly #open = new Map<number, HboneStream>();
  /** The newest streams that we have cut, oldest first. */
  readonly #reset = new Set<number>();
  #lastId = 0;

  get size(): number {
    return this.#open.size;
  }

  /** The highest identifier that was used. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The identifier of the next stream that a client opens; undefined when all are used up. */
  nextId(): number | undefined {
    const id = this.#lastId === 0 ? 1 : this.#lastId + 2;
    return id > LAST_ID ? undefined : id;
  }

  get(id: number): HboneStream | undefined {
    return this.#open.get(id);
  }

  add(stream: HboneStream): void {
    this.#lastId = Math.max(this.#lastId, stream.id);
    this.#open.set(stream.id, stream);
  }

  /** Uses an identifier up without a stream; what comes for it is to be ignored. */
  skip(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
    this.#remember(id);
  }

  remove(stream: HboneStream): void {
    this.#open.delete(stream.id);
  }

  /** As `remove`, for a stream that the peer may not know to be over. */
  removeReset(stream: HboneStream): void {
    this.#open.delete(stream.id);
    this.#remember(stream.id);
  }

  kindOf(id: number): StreamKind {
    if (this.#open.has(id)) return 'open';
    if (id > this.#lastId || id % 2 === 0) return 'idle';
    return this.#reset.has(id) ? 'reset' : 'closed';
  }

  all(): readonly HboneStream[] {
    return [...this.#open.values()];
  }

  #remember(id: number): void {
    this.#reset.add(id);
    if (this.#reset.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest);
      break;
    }
  }
}
