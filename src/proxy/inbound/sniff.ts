import type { Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.ts';
import type { FirstBytes } from './inbound-transport.ts';

/** How long to wait for the first byte, and for the rest of a ClientHello. */
export interface SniffOptions {
  readonly firstByte: Deadlines;
  readonly wholeHello: Deadlines;
}

/** `ended`: the connection is over. `unfinished`: a ClientHello began and did not end in time. */
export type Sniffed = FirstBytes | { readonly kind: 'ended' } | { readonly kind: 'unfinished' };

/** What a connection begins with. The bytes stay in the socket, which comes back paused. */
export function sniff(socket: Socket, options: SniffOptions): Promise<Sniffed> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let needBytes = 1;
    let have = 0;
    let isOver = false;
    let deadline = options.firstByte.set(lookOnceMore);

    /** A loop that was held up hears the clock before it reads what has long been there. */
    function lookOnceMore(): void {
      setImmediate(() => {
        if (have === 0) finish({ kind: 'silent' });
      });
    }

    function finish(result: Sniffed): void {
      if (isOver) return;
      isOver = true;
      deadline.cancel();
      socket.removeListener('data', onData);
      socket.removeListener('end', onEnd);
      socket.removeListener('close', onEnd);
      socket.pause();
      if (have > 0 && !socket.readableEnded) socket.unshift(Buffer.concat(chunks, have));
      resolve(result);
    }

    function onData(chunk: Buffer): void {
      chunks.push(chunk);
      have += chunk.length;
      if (have < needBytes) return;
      const reading = readClientHello(
        Buffer.concat(chunks, have).subarray(0, MAX_CLIENT_HELLO_BYTES),
      );
      if (reading.kind !== 'incomplete') {
        finish(reading);
        return;
      }
      if (needBytes === 1) {
        deadline.cancel();
        deadline = options.wholeHello.set(() => finish({ kind: 'unfinished' }));
      }
      needBytes = reading.needBytes;
    }

    const onEnd = (): void => finish({ kind: 'ended' });
    socket.on('data', onData);
    socket.once('end', onEnd);
    socket.once('close', onEnd);
    socket.resume();
  });
}
