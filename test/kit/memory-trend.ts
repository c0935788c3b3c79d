import type { MemoryLook } from './soak.ts';

/** What became of a process's memory. */
export interface MemoryTrend {
  /** Middle values of the first and the last quarter of the time after warm-up, in MB. */
  readonly firstMb: number;
  readonly lastMb: number;
  readonly mostMb: number;
  /** Whether the last quarter needed no more than a tenth more than the first. */
  readonly flat: boolean;
  /** Slope of the straight line that fits best to what came after warm-up. */
  readonly mbPerHour: number;
}

/** The first part of the time, in which caches fill and the heap finds its size. */
const WARM_UP = 0.25;
const HOUR_SECONDS = 3_600;
/** As much as garbage collections may make of difference. */
const FLAT = 1.1;

export function memoryTrend(looks: readonly MemoryLook[]): MemoryTrend {
  const end = looks.at(-1)?.seconds ?? 0;
  const warm = looks.filter(({ seconds }) => seconds >= WARM_UP * end);
  const quarter = Math.ceil(warm.length / 4);
  const round = (value: number): number => Math.round(value * 10) / 10;
  const firstMb = middle(warm.slice(0, quarter));
  const lastMb = middle(warm.slice(-quarter));
  return {
    ...{ firstMb, lastMb, flat: lastMb <= FLAT * firstMb },
    mostMb: Math.max(...looks.map(({ mb }) => mb)),
    mbPerHour: round(slope(warm) * HOUR_SECONDS),
  };
}

/** By least squares, in MB a second. */
function slope(looks: readonly MemoryLook[]): number {
  const mean = (of: (look: MemoryLook) => number): number =>
    looks.reduce((sum, look) => sum + of(look), 0) / looks.length;
  const [x, y] = [mean(({ seconds }) => seconds), mean(({ mb }) => mb)];
  const spread = mean(({ seconds }) => (seconds - x) ** 2);
  return spread === 0 ? 0 : mean(({ seconds, mb }) => (seconds - x) * (mb - y)) / spread;
}

function middle(looks: readonly MemoryLook[]): number {
  return looks.map(({ mb }) => mb).toSorted((a, b) => a - b)[Math.floor(looks.length / 2)] ?? 0;
}
