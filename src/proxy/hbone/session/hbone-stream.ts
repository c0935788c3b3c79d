import type { Channel, ChannelHandlers } from '../../bytes/channel.ts';
import { ByteQueue } from './byte-queue.ts';
import { ReceiveWindow } from './receive-window.ts';

/** What a stream needs of the connection that it is on. */
export interface StreamCarrier {
  /** Frames as much of `chunk` as windows and queue allow, at most `maxBytes`. Returns how much. */
  send(stream: HboneStream, chunk: Uint8Array, maxBytes: number): number;
  /** Frames the end of our direction. */
  sendEnd(stream: HboneStream): void;
  /** Whether who just wrote so many bytes may go on. */
  hasRoomAfter(bytes: number): boolean;
  /** `serve` is to be called when it is the stream's turn. */
  wait(stream: HboneStream): void;
  sendWindowUpdate(stream: HboneStream, increment: number): void;
  /** So many bytes more, or less, wait here for who reads them. */
  unread(change: number): void;
  /** Cuts the stream at the peer. */
  cut(stream: HboneStream): void;
  /** Calls once everything that was framed until now is out. */
  whenSent(call: () => void): void;
}

/** How far a direction has come: `ending` behind bytes that wait. */
type Direction = 'open' | 'ending' | 'ended';

/** One CONNECT stream: a Channel whose bytes are DATA frames of a shared connection. */
export class HboneStream implements Channel {
  readonly id: number;
  readonly receiveWindow: ReceiveWindow;
  /** Bytes that the peer takes; may be negative (RFC 9113, 6.9.2). */
  sendWindow: number;
  /** Whether the peer's answer, or ours, has gone by. */
  answered = false;
  readonly #carrier: StreamCarrier;
  readonly #inbox = new ByteQueue();
  /** Given to the reader, who has not taken them for good. */
  #unaccepted = 0;
  readonly #outbox: Uint8Array[] = [];
  #handlers: ChannelHandlers | undefined;
  #paused = true;
  #discarding = false;
  /** Whether the writer was told to wait. */
  #held = false;
  #sending: Direction = 'open';
  #receiving: Direction = 'open';
  #closed: { readonly error: Error | undefined } | undefined;

  constructor(
    id: number,
    windows: { readonly send: number; readonly receive: number },
    carrier: StreamCarrier,
  ) {
    this.id = id;
    this.sendWindow = windows.send;
    this.receiveWindow = new ReceiveWindow(windows.receive);
    this.#carrier = carrier;
  }

  /** Whether the peer has ended its direction, read or not. */
  get remoteEnded(): boolean {
    return this.#receiving !== 'open';
  }

  /** Whether our end is framed. */
  get localEnded(): boolean {
    return this.#sending === 'ended';
  }

  /** Whether it was cut or is over. */
  get gone(): boolean {
    return this.#closed !== undefined;
  }

  start(handlers: ChannelHandlers): void {
    const closed = this.#closed;
    if (closed !== undefined) {
      queueMicrotask(() => handlers.closed(closed.error));
      return;
    }
    this.#handlers = handlers;
    this.resume();
  }

  write(chunk: Uint8Array, lent: boolean): boolean {
    if (this.#closed !== undefined || this.#sending !== 'open') return true;
    const sent = this.#outbox.length === 0 ? this.#carrier.send(this, chunk, chunk.length) : 0;
    if (sent === chunk.length && this.#carrier.hasRoomAfter(sent)) return true;
    this.#held = true;
    if (sent < chunk.length) {
      const rest = chunk.subarray(sent);
      this.#outbox.push(lent ? Buffer.from(rest) : rest);
      if (this.sendWindow <= 0) return false; // until the peer opens it
    }
    this.#carrier.wait(this);
    return false;
  }

  end(): void {
    if (this.#closed !== undefined || this.#sending !== 'open') return;
    this.#sending = 'ending';
    if (this.#outbox.length === 0) this.#sendEnd();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (this.#handlers === undefined || this.#closed !== undefined) return;
    this.#paused = false;
    const accepted = this.#unaccepted;
    this.#unaccepted = 0;
    if (accepted > 0) this.#accept(accepted);
    while (!this.#paused) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      this.#deliver(chunk, this.#handlers);
    }
    this.#deliverEnd();
  }

  reset(): void {
    if (this.#closed !== undefined) return;
    if (!(this.localEnded && this.remoteEnded)) this.#carrier.cut(this);
    this.abort(new Error('cut by this proxy'));
  }

  /** From now on what arrives is thrown away. */
  discard(): void {
    this.#discarding = true;
    this.#forgetInbox();
    this.#deliverEnd();
  }

  /** For the connection: header fields were sent that end our direction. */
  endedByHeaders(): void {
    this.#sending = 'ended';
    this.#finish();
  }

  /** For the connection: bytes arrived. */
  receive(chunk: Buffer, lent: boolean): void {
    if (this.#closed !== undefined || this.#discarding) return;
    if (this.#paused || this.#handlers === undefined) {
      this.#carrier.unread(chunk.length);
      this.#inbox.push(chunk, lent);
      return;
    }
    this.#handlers.data(chunk, lent);
    if (this.#closed !== undefined) return;
    if (this.#paused) {
      this.#carrier.unread(chunk.length);
      this.#unaccepted += chunk.length;
    } else {
      this.credit(chunk.length);
    }
  }

  /** For the connection: the peer has ended its direction. */
  receiveEnd(): void {
    this.#receiving = 'ending';
    this.#deliverEnd();
  }

  /** For the connection: so many bytes of the window were used and are done with. */
  credit(bytes: number): void {
    const increment = this.receiveWindow.credit(bytes);
    if (increment > 0 && !this.remoteEnded) this.#carrier.sendWindowUpdate(this, increment);
  }

  /** For the connection: the stream is no more. */
  abort(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#forgetInbox();
    this.#outbox.length = 0;
    this.#close(error);
  }

  /** For the connection: it is the stream's turn. True: it needs another one. */
  serve(maxBytes: number): boolean {
    if (this.#closed !== undefined) return false;
    this.#sendWaiting(maxBytes);
    if (this.#outbox.length > 0) return this.sendWindow > 0;
    if (this.#sending === 'ending') this.#sendEnd();
    if (this.#held) {
      this.#held = false;
      this.#handlers?.drain();
    }
    return false;
  }

  /** For the connection: whether bytes wait for the peer's window. */
  get hasWaiting(): boolean {
    return this.#outbox.length > 0;
  }

  #sendWaiting(maxBytes: number): void {
    const [first] = this.#outbox;
    if (first === undefined) return;
    const sent = this.#carrier.send(this, first, maxBytes);
    if (sent === first.length) this.#outbox.shift();
    else this.#outbox[0] = first.subarray(sent);
  }

  #sendEnd(): void {
    this.#sending = 'ended';
    this.#carrier.sendEnd(this);
    this.#finish();
  }

  #deliver(chunk: Buffer, handlers: ChannelHandlers): void {
    handlers.data(chunk, false);
    if (this.#closed !== undefined) this.#carrier.unread(-chunk.length);
    else if (this.#paused) this.#unaccepted += chunk.length;
    else this.#accept(chunk.length);
  }

  #accept(bytes: number): void {
    this.#carrier.unread(-bytes);
    this.credit(bytes);
  }

  #deliverEnd(): void {
    if (this.#receiving !== 'ending' || this.#closed !== undefined) return;
    if (!this.#discarding && (this.#paused || this.#inbox.length > 0)) return;
    this.#receiving = 'ended';
    this.#handlers?.end();
    this.#finish();
  }

  #finish(): void {
    if (this.#sending !== 'ended' || this.#receiving !== 'ended') return;
    this.#carrier.whenSent(() => this.#close(undefined));
  }

  #forgetInbox(): void {
    this.#carrier.unread(-this.#inbox.length - this.#unaccepted);
    this.#inbox.clear();
    this.#unaccepted = 0;
  }

  #close(error: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { error };
    // Not within the call that led here: who resets both of a pair hears of each afterwards.
    queueMicrotask(() => this.#handlers?.closed(error));
  }
}
