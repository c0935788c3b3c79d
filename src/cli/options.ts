import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { OutputFormat } from './output.ts';

/** `-o json` as every command that prints data takes it. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print')
    .choices(['text', 'json'])
    .default('text');
}

export function dataDirOption(): Option {
  return new Option(
    '--data-dir <path>',
    'data directory of the control plane (default: $HAUBERK_DATA_DIR or ~/.hauberk)',
  );
}

export interface CommonOptions {
  readonly output?: OutputFormat;
  readonly dataDir?: string;
}

/** The data directory by flag, environment or default, absolute. */
export function dataDirOf(options: Pick<CommonOptions, 'dataDir'>): string {
  return resolve(options.dataDir ?? process.env['HAUBERK_DATA_DIR'] ?? join(homedir(), '.hauberk'));
}

/** Adds an example below the help of a command. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join('\n');
  return command.addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${lines}\n`);
}
