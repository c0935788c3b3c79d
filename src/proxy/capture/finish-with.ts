import type { Socket } from 'node:net';

const PATIENCE_MS = 5_000;

/** Says a last word and ends; what the client still sends is read, for else the word could get lost. */
export function finishWith(socket: Socket, lastWord: Buffer): void {
  socket.end(lastWord);
  socket.resume();
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
}
