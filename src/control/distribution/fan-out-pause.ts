/** About what one agent's share of a fan-out costs this thread: encode, encrypt, read the ACK. */
const MS_PER_AGENT = 0.5;
const SHORTEST_MS = 20;
const LONGEST_MS = 1_000;

/**
 * How long to gather changes after a fan-out before the next one, in milliseconds. The first change
 * after a quiet time goes out at once; when thousands of agents join, each of which is news to all
 * others, this makes the work grow with the agents and not with their square. Few agents never wait.
 */
export function fanOutPauseMs(agents: number): number {
  const pauseMs = agents * MS_PER_AGENT;
  return pauseMs < SHORTEST_MS ? 0 : Math.min(LONGEST_MS, pauseMs);
}
