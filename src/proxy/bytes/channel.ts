/** What happens on a Channel, told to the one who started it. */
export interface ChannelHandlers {
  /**
   * Bytes arrived. Those that are `lent` are valid during the call only: who keeps them must copy
   * them. The others may be kept, since the channel does not write into them again.
   */
  data(chunk: Uint8Array, lent: boolean): void;
  /** The other side will send no more; it may still read. */
  end(): void;
  /** There is room again after `write` answered false. */
  drain(): void;
  /**
   * Last, and once. `error` is undefined only when both directions had ended in order; what was
   * written before is then out.
   */
  closed(error: Error | undefined): void;
}

/** For a channel whose connection served others before, or will serve others after it. */
export interface Sharing {
  /**
   * Said before the first `write`: what is written until an answer begins may be written once more, to
   * a new connection, when the one that it was written to turns out to be gone.
   */
  repeatable(): void;
  /** Both sides are between messages: whoever comes next may have the connection. The channel is then closed. */
  release(): void;
}

/** Bytes in both directions, each of which ends on its own: a TCP or TLS connection, or a stream. */
export interface Channel {
  /** Begins to deliver; nothing is read before. Call once. */
  start(handlers: ChannelHandlers): void;
  /** Always takes the chunk, and a copy of what it keeps of a `lent` one. False: send no more until `drain`. */
  write(chunk: Uint8Array, lent: boolean): boolean;
  /** Ends our direction after what was written; the other goes on. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Cuts both directions at once, so that the other side sees an error and not an end. */
  reset(): void;
  /** Undefined where the connection is this channel's alone. */
  readonly sharing?: Sharing;
}
