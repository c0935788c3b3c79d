import type { Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';

/** What a reader makes of the bytes so far: a message and its length, a refusal, or nothing yet. */
export type Reading<Message> =
  | { readonly message: Message; readonly bytes: number }
  | { readonly refused: string }
  | undefined;

export interface ReadMessageOptions<Message> {
  /** Looks at all bytes that have come, from the first one. */
  readonly read: (bytes: Buffer) => Reading<Message>;
  /** A message that is not whole within so many bytes is refused. */
  readonly maxBytes: number;
  /** How long the client may take. */
  readonly deadlines: Deadlines;
}

/**
 * The first message on a paused connection, which comes back paused; what was sent after it stays in
 * it. `ended`: the client is gone, or was too slow.
 */
export function readMessage<Message>(
  socket: Socket,
  { read, maxBytes, deadlines }: ReadMessageOptions<Message>,
): Promise<
  { readonly message: Message } | { readonly refused: string } | { readonly ended: true }
> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let have = 0;
    const deadline = deadlines.set(onEnd);

    function finish(result: Parameters<typeof resolve>[0]): void {
      deadline.cancel();
      socket.removeListener('data', onData);
      socket.removeListener('end', onEnd);
      socket.removeListener('close', onEnd);
      socket.pause();
      resolve(result);
    }

    function onData(chunk: Buffer): void {
      chunks.push(chunk);
      have += chunk.length;
      const all = Buffer.concat(chunks, have);
      const reading = read(all);
      if (reading === undefined) {
        if (have > maxBytes) finish({ refused: `more than ${maxBytes} bytes without an end` });
        return;
      }
      finish('refused' in reading ? reading : { message: reading.message });
      if ('message' in reading && reading.bytes < have) {
        socket.unshift(all.subarray(reading.bytes));
      }
    }

    function onEnd(): void {
      finish({ ended: true });
    }

    socket.on('data', onData);
    socket.once('end', onEnd);
    socket.once('close', onEnd);
    socket.resume();
  });
}
