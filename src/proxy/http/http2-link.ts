import type { Channel } from '../bytes/channel.ts';
import type { HttpGuard } from './http-guard.ts';
import { Http2Output } from './http2-output.ts';
import type { Http2Stream } from './http2-stream.ts';

export interface Http2Options {
  readonly source: Channel;
  readonly destination: Channel;
  readonly guard: HttpGuard;
}

/** What both directions of a connection of HTTP/2 share: the ways out, and the streams. */
export class Http2Link {
  readonly guard: HttpGuard;
  readonly toClient: Http2Output;
  readonly toServer: Http2Output;
  /** The highest number of a stream that the client used. */
  lastDown = 0;
  readonly #byDown = new Map<number, Http2Stream>();
  readonly #byUp = new Map<number, Http2Stream>();
  #nextUp = 1;

  constructor({ source, destination, guard }: Http2Options) {
    this.guard = guard;
    this.toClient = new Http2Output(source, true);
    this.toServer = new Http2Output(destination, false);
  }

  get size(): number {
    return this.#byDown.size;
  }

  all(): readonly Http2Stream[] {
    return [...this.#byDown.values()];
  }

  down(id: number): Http2Stream | undefined {
    return this.#byDown.get(id);
  }

  up(id: number): Http2Stream | undefined {
    return this.#byUp.get(id);
  }

  isOpen(stream: Http2Stream): boolean {
    return this.#byDown.get(stream.down) === stream;
  }

  add(stream: Http2Stream): void {
    this.#byDown.set(stream.down, stream);
  }

  /** Gives the stream its number with the application. */
  forward(stream: Http2Stream): number {
    const up = this.#nextUp;
    this.#nextUp += 2;
    stream.up = up;
    this.#byUp.set(up, stream);
    return up;
  }

  /** Ends a stream on both sides. */
  cut(stream: Http2Stream, code: number): void {
    this.toClient.reset(stream.down, code);
    if (stream.up !== undefined) this.toServer.reset(stream.up, code);
    else this.credit(stream);
    this.remove(stream);
  }

  /** Gives back what the client sent of a stream that the application will never see. */
  credit({ early }: Http2Stream): void {
    this.toClient.windowUpdate(
      0,
      early.reduce((sum, chunk) => sum + chunk.length, 0),
    );
  }

  remove(stream: Http2Stream): void {
    this.#byDown.delete(stream.down);
    if (stream.up !== undefined) this.#byUp.delete(stream.up);
    stream.end();
  }

  removeIfDone(stream: Http2Stream): void {
    if (stream.clientEnded && stream.serverEnded) this.remove(stream);
  }
}
