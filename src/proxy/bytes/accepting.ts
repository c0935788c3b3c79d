import type { ServerOpts } from 'node:net';

/** How long a connection must be idle before the kernel asks whether the peer is there, in milliseconds. */
export const KEEP_ALIVE_AFTER_MS = 30_000;

/** How connections of others are taken; who vanished without a word is noticed by TCP's keep-alive. */
export const ACCEPTING = {
  ...{ allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
  ...{ keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
} as const satisfies ServerOpts;
