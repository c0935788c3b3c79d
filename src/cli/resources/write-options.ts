import { type Command, Option } from 'commander';
import { MeshError } from '../../lib/errors.ts';

/** What commands that write have in common; as kubectl names it. */
export interface WriteFlags {
  readonly dryRun?: 'none' | 'client' | 'server';
  readonly fieldManager?: string;
  readonly validate?: string;
}

export function withWriteFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--dry-run [how]',
        'say what would be done: "server" has the server judge it, "client" only reads',
      )
        .choices(['none', 'client', 'server'])
        .preset('client')
        .default('none'),
    )
    .option('--field-manager <name>', 'who is noted as the owner of the fields')
    .option(
      '--validate [how]',
      'what to do with fields that the kind does not have: strict refuses, warn says so, ignore',
      'strict',
    );
}

/** @throws {MeshError} ERR_USAGE. */
export function validationOf({ validate = 'strict' }: WriteFlags): 'Strict' | 'Warn' | 'Ignore' {
  switch (validate) {
    case 'strict':
    case 'true':
      return 'Strict';
    case 'warn':
      return 'Warn';
    case 'ignore':
    case 'false':
      return 'Ignore';
    default:
      throw new MeshError(
        'ERR_USAGE',
        `--validate "${validate}" cannot be used; give strict, warn or ignore`,
      );
  }
}

/** What kubectl puts behind the line of an object that was not really written. */
export function dryRunText({ dryRun }: Pick<WriteFlags, 'dryRun'>): string {
  if (dryRun === 'server') return ' (server dry run)';
  return dryRun === 'client' ? ' (dry run)' : '';
}
