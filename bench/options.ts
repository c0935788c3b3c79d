import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type PairName, pairNames } from './pair-kind.ts';

/** Those of the other pairs need more time, and are asked for by name. */
const defaultPairs = pairNames.filter((name) => !/-(?:l7|jwt|rbac)$/.test(name));
const ownBinary = fileURLToPath(new URL('../bin/hauberk', import.meta.url));

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
  readonly hauberk: string;
  readonly profile?: boolean;
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
        .default(ownBinary, 'bin/hauberk of this checkout'),
    )
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
