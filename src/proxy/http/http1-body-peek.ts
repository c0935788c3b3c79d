import { type BodyFraming, NO_BODY } from './body-framing.ts';
import { BodyReader } from './body-reader.ts';
import { BodyPeek, type PeekedBody, type RequestBody } from './request-body.ts';

/** Framing that may come with as much content as is looked at; beyond, somebody plays with chunks. */
const MOST_FRAMING_BYTES = 64 * 1024;

/** The body of the request of HTTP/1 that is judged now. One for each connection. */
export class Http1BodyPeek implements RequestBody {
  readonly #wanted: () => void;
  #framing: BodyFraming = NO_BODY;
  #peek: BodyPeek | undefined;
  #reader: BodyReader | undefined;
  #missing = 0;

  /** @param wanted called when a judge is going to wait for the body. */
  constructor(wanted: () => void) {
    this.#wanted = wanted;
  }

  /** Another request. */
  begin(framing: BodyFraming): void {
    this.#framing = framing;
    this.#peek = undefined;
  }

  get length(): number | undefined {
    if (this.#framing.kind === 'none') return 0;
    return this.#framing.kind === 'length' ? this.#framing.bytes : undefined;
  }

  peek(most: number, beyond: boolean): Promise<PeekedBody | undefined> {
    const peek = new BodyPeek(most, beyond);
    this.#peek = peek;
    this.#missing = 2 * most + MOST_FRAMING_BYTES;
    this.#reader = new BodyReader(this.#framing, { content: (chunk) => peek.content(chunk) });
    if (this.#reader.done) peek.end();
    else this.#wanted();
    return peek.result;
  }

  /** Bytes of the connection as they come; whether more are waited for. @throws {MeshError} ERR_WIRE */
  take(chunk: Buffer): boolean {
    const peek = this.#peek;
    if (peek === undefined || peek.settled) return false;
    this.#reader?.take(chunk, 0);
    if (this.#reader?.done === true) peek.end();
    this.#missing -= chunk.length;
    if (this.#missing <= 0) peek.stop();
    return !peek.settled;
  }

  /** Nothing more will come. */
  cut(): void {
    this.#peek?.cut();
  }
}
