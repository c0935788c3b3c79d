import { setTimeout as delay } from 'node:timers/promises';
import { type CpuMoment, cpuMoment, cpuOf } from './processes.ts';
import type { ProgramGroup } from './program-group.ts';

const LOOK_MS = 1_000;
const PATIENCE_MS = 120_000;

/** How many cores were busy for others: their processes, and what the host took for itself. */
export class NoiseMeter {
  readonly #programs: ProgramGroup;
  readonly #start: CpuMoment;
  readonly #startMs = performance.now();

  /** @param programs ours, which are not noise. */
  constructor(programs: ProgramGroup) {
    this.#programs = programs;
    this.#start = cpuMoment();
  }

  /** Cores from the beginning until now, on average. */
  cores(): number {
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const others = this.#othersAt(cpuMoment()) - this.#othersAt(this.#start);
    return Math.max(0, others / seconds);
  }

  #othersAt(moment: CpuMoment): number {
    return moment.all + moment.stolen - moment.own - cpuOf(moment, this.#programs.groups);
  }
}

/** Waits, up to two minutes, for a second in which others use at most `maxCores`. */
export async function quietMoment(
  programs: ProgramGroup,
  maxCores: number,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (maxCores < Number.POSITIVE_INFINITY && performance.now() < deadlineMs) {
    const meter = new NoiseMeter(programs);
    await delay(LOOK_MS, undefined, { signal });
    if (meter.cores() <= maxCores) return;
  }
}
