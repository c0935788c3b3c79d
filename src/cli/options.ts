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

/** Which control plane is asked, and as whom. */
export interface AccessOptions {
  readonly dataDir?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
}

/** The flags of AccessOptions. */
function accessOptions(): readonly Option[] {
  return [
    new Option('--data-dir <path>', 'take the kubeconfig of a control plane’s data directory'),
    new Option(
      '--kubeconfig <file>',
      'how to reach the API (default: $HAUBERK_DATA_DIR/kubeconfig, $KUBECONFIG, ~/.hauberk/kubeconfig)',
    ),
    new Option('--context <name>', 'of the kubeconfig (default: its current-context)'),
    new Option('--as <user>', 'act as another user, if you may'),
    new Option('--as-group <group>', 'with --as: in this group; may be repeated').argParser(
      (group: string, before: readonly string[] = []) => [...before, group],
    ),
  ];
}

/** Adds the flags of AccessOptions to a command. */
export function withAccess(command: Command): Command {
  for (const option of accessOptions()) command.addOption(option);
  return command;
}

export interface CommonOptions extends AccessOptions {
  readonly output?: OutputFormat;
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
