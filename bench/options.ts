import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type PairName, pairNames } from './pair-kind.ts';

/** Those of the other pairs need more time, and are asked for by name. */
const defaultPairs = pairNames.filter((name) => !/-(?:l7|jwt|rbac)$|^stage-/.test(name));

export interface PairOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly PairName[];
  readonly maxNoise: number;
  /** Seconds of the same load before it, which do not count. */
  readonly warmUp: number;
  /** Whether nginx and HAProxy may resume TLS sessions, as they do by default. */
  readonly resumption: boolean;
  /** Path of `bin/hauberk`. */
  readonly hauberk: string | undefined;
  /** Held back on the way between the sidecars, in each direction, in milliseconds. */
  readonly delay?: number;
  /** Words in the names of the metrics to measure; undefined: all. */
  readonly loads?: readonly string[];
  readonly profile?: boolean;
  /** Whether the pictures replace those that the READMEs show. */
  readonly publish?: boolean;
  readonly output: 'text' | 'json';
}

/** @throws {CommanderError} for what cannot be used, after it was explained on stderr. */
export function parseOptions(argv: readonly string[]): PairOptions {
  const command = new Command('npm run bench --')
    .description(
      'wrk -> sidecar of the caller -> mutual TLS 1.3 -> sidecar of the callee -> application, with Hauberk, nginx, HAProxy and Envoy as the sidecars',
    )
    .option('--rounds <n>', 'how often each pair takes its turn', wholeNumber, 5)
    .option('--seconds <n>', 'how long each run takes', wholeNumber, 5)
    .option('--warm-up <n>', 'seconds of each load before they count', wholeNumber, 2)
    .addOption(
      new Option('--only <names>', 'pairs to measure')
        .argParser(names)
        .default(defaultPairs, defaultPairs.join(',')),
    )
    .addOption(
      new Option(
        '--max-noise <cores>',
        'wait for the machine to be quiet, and repeat what was measured while others used more cores (up to 3 times)',
      )
        .argParser(cores)
        .default(Number.POSITIVE_INFINITY, 'measure once, whatever goes on'),
    )
    .option(
      '--no-resumption',
      'nginx and HAProxy check the certificates of every connection, instead of resuming TLS sessions',
    )
    .addOption(
      new Option('--hauberk <file>', 'the program to measure')
        .argParser((file) => resolve(file))
        .default(undefined, 'what npm would publish of this checkout, which is built first'),
    )
    .option(
      '--delay <ms>',
      'hold bytes between the sidecars back for so long in each direction, by a relay beside them',
      wholeNumber,
    )
    .option('--loads <words>', 'only loads with such a word in the name of a metric', (text) =>
      text.split(','),
    )
    .option('--publish', 'also write the pictures to bench/plots, which the READMEs show')
    .option('--profile', 'write CPU profiles of the Hauberk sidecars to bench/out')
    .addOption(
      new Option('-o, --output <format>', 'what to print')
        .choices(['text', 'json'])
        .default('text', 'text, which is Markdown'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run bench -- --rounds 1 --seconds 2 --only hauberk,nginx\n',
    )
    .exitOverride();
  return command.parse([...argv]).opts<PairOptions>();
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

function cores(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= availableParallelism()) return number;
  throw new InvalidArgumentError('It must be above 0 and at most the cores of this machine.');
}

function names(text: string): readonly PairName[] {
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !pairNames.some((known) => known === name));
  if (unknown === undefined) return pairNames.filter((name) => wanted.includes(name));
  throw new InvalidArgumentError(`"${unknown}" is not one of ${pairNames.join(', ')}.`);
}
