import { setTimeout as delay } from 'node:timers/promises';
import { checkBodies } from './body-check.ts';
import { type LoadRun, runLoad } from './load-kinds.ts';
import { IDLE, type Load, type LoadOutcome, loads, memoryMetric } from './metrics.ts';
import { checkMutualTls } from './mutual-tls-check.ts';
import { NoiseMeter, quietMoment } from './noise.ts';
import type { RunningPair, StartPair } from './pair-kind.ts';
import { cpuMoment, cpuOf, residentBytes } from './processes.ts';
import type { Sample } from './samples.ts';
import type { Stage } from './stage.ts';

export interface BenchmarkOptions {
  readonly rounds: number;
  /** Of each measured run. */
  readonly seconds: number;
  /** Before each of them. */
  readonly warmUp: number;
  /** A run during which others used more cores is repeated, up to three times. */
  readonly maxNoise: number;
  readonly signal: AbortSignal;
}

export interface BenchmarkListener {
  /** Something was measured; `noise` is how many cores others used, where that counts. */
  measured(samples: readonly Sample[], noise?: number): void;
}

interface MeasuredRun extends LoadOutcome {
  /** Cores that others used during it. */
  readonly noise: number;
}

const SETTLE_MS = 500;
const MAX_ATTEMPTS = 3;
const MB = 1e6;

/** Pairs that are started anew in each round and take turns at each load. */
export class Benchmark {
  readonly #stage: Stage;
  readonly #options: BenchmarkOptions;
  readonly #listener: BenchmarkListener;

  constructor(stage: Stage, options: BenchmarkOptions, listener: BenchmarkListener) {
    this.#stage = stage;
    this.#options = options;
    this.#listener = listener;
  }

  /** @throws {MeshError} when a pair does not start or does not do what it should. */
  async run(starts: readonly StartPair[]): Promise<void> {
    for (let round = 1; round <= this.#options.rounds; round += 1) await this.#round(round, starts);
  }

  async #round(round: number, starts: readonly StartPair[]): Promise<void> {
    const { programs, application } = this.#stage;
    const { signal } = this.#options;
    try {
      const pairs: RunningPair[] = [];
      for (const start of starts) {
        signal.throwIfAborted();
        pairs.push(await start(this.#stage));
      }
      await delay(SETTLE_MS, undefined, { signal });
      for (const pair of pairs) this.#noteMemory(round, pair, IDLE);
      for (const pair of pairs) {
        await checkMutualTls(pair);
        await checkBodies(pair, application);
      }
      for (const load of loads) {
        for (const pair of pairs) await this.#measure(round, pair, load);
      }
    } finally {
      await programs.stop([application.program]);
    }
  }

  async #measure(round: number, pair: RunningPair, load: Load): Promise<void> {
    if (load.kind.kind === 'idle') {
      await this.#hold(round, pair, load);
      return;
    }
    const outcome = await this.#quietestRun(pair, load);
    const problem = outcome.wrk.problem ?? outcome.beside?.problem;
    const samples = load.metrics.map(({ name: metric, of }) => {
      return { round, pair: pair.name, metric, value: of(outcome), problem };
    });
    this.#listener.measured(samples, outcome.noise);
    if (load.memory !== undefined) this.#noteMemory(round, pair, load.memory);
  }

  /** Connections of which nothing but the memory is of interest. */
  async #hold(round: number, pair: RunningPair, { kind, memory }: Load): Promise<void> {
    const during = (): void => {
      if (memory !== undefined) this.#noteMemory(round, pair, memory);
    };
    await runLoad(kind, this.#loadRun(pair, this.#options.seconds, during));
  }

  /** The first run that was quiet enough, or of all attempts the one that others disturbed least. */
  async #quietestRun(pair: RunningPair, load: Load): Promise<MeasuredRun> {
    const { maxNoise, signal } = this.#options;
    await quietMoment(this.#stage.programs, maxNoise, signal);
    let quietest = await this.#runOnce(pair, load);
    for (let attempt = 2; quietest.noise > maxNoise && attempt <= MAX_ATTEMPTS; attempt += 1) {
      await quietMoment(this.#stage.programs, maxNoise, signal);
      const again = await this.#runOnce(pair, load);
      if (again.noise < quietest.noise) quietest = again;
    }
    return quietest;
  }

  async #runOnce(pair: RunningPair, { kind }: Load): Promise<MeasuredRun> {
    const both = [pair.caller, pair.callee].flatMap((side) => side?.group ?? []);
    await runLoad(kind, this.#loadRun(pair, this.#options.warmUp));
    const meter = new NoiseMeter(this.#stage.programs);
    const before = cpuMoment();
    const outcome = await runLoad(kind, this.#loadRun(pair, this.#options.seconds));
    const cpuSeconds = cpuOf(cpuMoment(), both) - cpuOf(before, both);
    return { ...outcome, cpuSeconds, noise: meter.cores() };
  }

  #loadRun(
    { port, header }: RunningPair,
    seconds: number,
    during = (): void => undefined,
  ): LoadRun {
    const { wrk } = this.#stage.tools;
    return { wrk, port, header, seconds, during, signal: this.#options.signal };
  }

  #noteMemory(round: number, pair: RunningPair, moment: string): void {
    const samples = (['caller', 'callee'] as const).flatMap((side) => {
      const program = pair[side];
      if (program === undefined) return [];
      const value = residentBytes(program.group) / MB;
      const problem = value === 0 ? `nothing is left of the ${side}'s sidecar` : undefined;
      const metric = memoryMetric(side, moment).name;
      return [{ round, pair: pair.name, metric, value, problem }];
    });
    if (samples.length > 0) this.#listener.measured(samples);
  }
}
