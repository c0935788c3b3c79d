import type { Channel, ChannelHandlers } from './channel.ts';

/** Counts the bytes of a spliced pair while they pass. */
export interface Meter {
  /** Bytes from the source to the destination. */
  bytesIn: number;
  /** Bytes from the destination back to the source. */
  bytesOut: number;
}

/** Two channels to be joined. */
export interface SplicePair {
  /** Who opened the connection. */
  readonly source: Channel;
  readonly destination: Channel;
  readonly meter: Meter;
  /** Once, when both are closed; says whose fault the first error was, if there was one. */
  readonly closed: (failure: SpliceFailure | undefined) => void;
}

export interface SpliceFailure {
  readonly side: 'source' | 'destination';
  readonly error: Error;
}

/**
 * Joins two channels until both are closed: bytes, ends of one direction, and back pressure pass
 * through; an error on one side resets the other.
 */
export function splice(pair: SplicePair): void {
  const { source, destination, meter } = pair;
  let open = 2;
  let failure: SpliceFailure | undefined;

  const handlersOf = (
    side: SpliceFailure['side'],
    from: Channel,
    to: Channel,
    count: (bytes: number) => void,
  ): ChannelHandlers => ({
    data(chunk, lent) {
      count(chunk.length);
      if (!to.write(chunk, lent)) from.pause();
    },
    end: () => to.end(),
    drain: () => to.resume(),
    closed(error) {
      open -= 1;
      if (error !== undefined) {
        failure ??= { side, error };
        to.reset();
      }
      if (open === 0) pair.closed(failure);
    },
  });

  source.start(
    handlersOf('source', source, destination, (bytes) => {
      meter.bytesIn += bytes;
    }),
  );
  destination.start(
    handlersOf('destination', destination, source, (bytes) => {
      meter.bytesOut += bytes;
    }),
  );
}
