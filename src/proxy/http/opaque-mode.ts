import type { Channel } from '../bytes/channel.ts';
import type { JoinMode } from './join-mode.ts';

/** Passes bytes on without looking at them, as `splice` does. */
export function opaqueMode(
  source: Channel,
  destination: Channel,
  recheck: () => string | undefined,
): JoinMode {
  return {
    fromSource(chunk, lent) {
      if (!destination.write(chunk, lent)) source.pause();
    },
    sourceEnded: () => destination.end(),
    sourceDrained: () => destination.resume(),
    fromDestination(chunk, lent) {
      if (!source.write(chunk, lent)) destination.pause();
    },
    destinationEnded: () => source.end(),
    destinationDrained: () => source.resume(),
    destinationLost: () => false,
    recheck,
    over: () => undefined,
  };
}
