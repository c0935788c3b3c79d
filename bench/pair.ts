import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { untilStopped } from '../src/cli/until-stopped.ts';
import { MeshError, messageOf } from '../src/lib/errors.ts';
import { Benchmark } from './benchmark.ts';
import { envoyPair } from './envoy-pair.ts';
import { haproxyPair } from './haproxy-pair.ts';
import { hauberkPair } from './hauberk-pair.ts';
import { describeMachine } from './machine.ts';
import { loads, loadsOf } from './metrics.ts';
import { nginxPair } from './nginx-pair.ts';
import { noPair } from './no-pair.ts';
import { type PairOptions, parseOptions } from './options.ts';
import type { PairName, StartPair } from './pair-kind.ts';
import { plotsOf } from './plots.ts';
import { progressLine } from './progress.ts';
import { publishedPackage } from './published-package.ts';
import { markdownOf, type Run, rowsOf } from './report.ts';
import type { Sample } from './samples.ts';
import { openStage } from './stage.ts';
import { stagePair } from './stage-pair.ts';
import { findTools } from './tools.ts';

const out = fileURLToPath(new URL('out', import.meta.url));
const plots = fileURLToPath(new URL('plots', import.meta.url));
const USAGE_ERROR = 2;
const STOPPED = 130;
const HUNG_UP = 129;

/** The pair benchmark; see README.md beside this file. */
async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv);
  let exitCode = 0;
  await untilStopped(async (signal) => {
    try {
      const run = await measure(options, argv.slice(2), signal);
      keep(run, options.publish === true);
      const text =
        options.output === 'json' ? JSON.stringify(withRows(run), null, 2) : markdownOf(run);
      process.stdout.write(`${text}\n`);
      if (run.samples.some(({ problem }) => problem !== undefined)) exitCode = 1;
    } catch (error) {
      if (!signal.aborted) throw error;
      exitCode = STOPPED;
    }
  });
  return exitCode;
}

async function measure(
  options: PairOptions,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Run> {
  const { PATH = '', HOME = '' } = process.env;
  const tools = findTools(PATH);
  const machine = await describeMachine(tools);
  const samples: Sample[] = [];
  const noise: number[] = [];
  const date = new Date().toISOString();
  const starts = startsOf(options);
  const stage = await openStage(tools, { PATH, HOME }, options.delay);
  try {
    const benchmark = new Benchmark(
      stage,
      { ...options, loads: options.loads ? loadsOf(options.loads) : loads, signal },
      {
        measured(taken, cores) {
          samples.push(...taken);
          if (cores !== undefined) noise.push(cores);
          process.stderr.write(`${progressLine(taken, cores)}\n`);
        },
      },
    );
    await benchmark.run(options.only.map((name) => starts[name]));
  } finally {
    await stage.close();
  }
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  return { date, command, machine, pairs: options.only, samples, noise };
}

function startsOf({
  hauberk,
  profile,
  resumption,
}: PairOptions): Readonly<Record<PairName, StartPair>> {
  const own = {
    binary: hauberk ?? publishedPackage(),
    profiles: profile === true ? out : undefined,
  };
  return {
    hauberk: hauberkPair(own),
    nginx: nginxPair('tcp', resumption),
    haproxy: haproxyPair('tcp', resumption),
    envoy: envoyPair('tcp'),
    'nginx-http': nginxPair('http', resumption),
    'haproxy-http': haproxyPair('http', resumption),
    'envoy-http': envoyPair('http'),
    direct: noPair,
    'hauberk-l7': hauberkPair({ ...own, check: 'rbac' }),
    'hauberk-jwt': hauberkPair({ ...own, check: 'jwt' }),
    'envoy-rbac': envoyPair('http', 'rbac'),
    'envoy-jwt': envoyPair('http', 'jwt'),
    'stage-splice': stagePair('splice'),
    'stage-tls': stagePair('tls'),
    'stage-hbone': stagePair('hbone'),
  };
}

/** In bench/out: a line of JSON for every run so far, and the newest run as Markdown and pictures; those in bench/plots if asked for. */
function keep(run: Run, publish: boolean): void {
  mkdirSync(out, { recursive: true });
  for (const { file, svg } of plotsOf(run.pairs, rowsOf(run))) {
    for (const place of publish ? [out, plots] : [out]) writeFileSync(join(place, file), svg);
  }
  appendFileSync(join(out, 'pair.jsonl'), `${JSON.stringify(withRows(run))}\n`);
  writeFileSync(join(out, 'pair.md'), `${markdownOf(run)}\n`);
}

function withRows(run: Run): object {
  return { ...run, rows: rowsOf(run) };
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
  const text = MeshError.is(error) || !(error instanceof Error) ? messageOf(error) : error.stack;
  process.stderr.write(`bench: ${text}\n`);
  return exitCodeOf(error);
}

// A terminal that goes away ends us as any exit does: with everything that we have started.
process.once('SIGHUP', () => process.exit(HUNG_UP));
process.exitCode = await main(process.argv).catch(report);
