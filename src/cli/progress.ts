import { formatDuration } from '../lib/duration.ts';

/** Says on a terminal what is being worked on and for how long; elsewhere it stays silent. */
export interface Progress {
  /** Replaces what was shown before. */
  show(what: string): void;
  /** Clears the line; call before printing anything else. */
  clear(): void;
}

const REDRAW_MS = 500;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Progress on `stream`, normally standard error, so that it never mixes with data. What is over within
 * `afterMs` of the first `show` is not told of.
 */
export function progressOn(
  stream: NodeJS.WriteStream,
  { afterMs = 0 }: { readonly afterMs?: number } = {},
): Progress {
  if (!stream.isTTY) return { show: () => undefined, clear: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  let beganMs: number | undefined;
  const clear = (): void => {
    clearInterval(timer);
    if (timer !== undefined) stream.write(CLEAR_LINE);
    timer = undefined;
  };
  return {
    clear,
    show(what) {
      clear();
      const startMs = performance.now();
      beganMs ??= startMs;
      const silentUntilMs = beganMs + afterMs;
      const draw = (): void => {
        const nowMs = performance.now();
        if (nowMs < silentUntilMs) return;
        const tookMs = Math.round(nowMs - startMs);
        const took = tookMs >= 1_000 ? ` ${formatDuration(tookMs)}` : '';
        stream.write(`${CLEAR_LINE}${what} …${took}`);
      };
      draw();
      timer = setInterval(draw, REDRAW_MS);
      timer.unref();
    },
  };
}
