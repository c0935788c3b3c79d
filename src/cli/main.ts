import { Command, CommanderError } from 'commander';
import { ApiError } from '../apiclient/api-error.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { applyCommand } from './apply-command.ts';
import { auditCommand } from './audit-command.ts';
import { authzCommand } from './authz-command.ts';
import { caCommand } from './ca-command.ts';
import { captureCommand } from './capture-command.ts';
import { certsCommand } from './certs-command.ts';
import { deleteCommand } from './delete-command.ts';
import { demoCommand } from './demo-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { exitCodeOf } from './exit-code.ts';
import { federationCommand } from './federation-command.ts';
import { getCommand } from './get-command.ts';
import { diffCommand, historyCommand, rollbackCommand } from './history-commands.ts';
import { runCommand } from './run-command.ts';
import { sidecarCommand } from './sidecar-command.ts';
import { tokenCommand } from './token-command.ts';
import { upCommand } from './up-command.ts';
import { version } from './version.ts';

const USAGE_ERROR = 2;

/** Runs one command line and ends the process with the exit code that its outcome has. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('hauberk')
    .description(
      'gives every service an identity, encrypts every connection, decides who may call whom',
    )
    .version(version())
    .showHelpAfterError('(see --help)');
  const commands = [
    demoCommand(),
    upCommand(),
    sidecarCommand(),
    runCommand(),
    captureCommand(),
    tokenCommand(),
    caCommand(),
    applyCommand(),
    getCommand(),
    deleteCommand(),
    certsCommand(),
    authzCommand(),
    auditCommand(),
    historyCommand(),
    diffCommand(),
    rollbackCommand(),
    federationCommand(),
    doctorCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  exitWithErrors(program);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function exitWithErrors(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) exitWithErrors(inner);
}

function report(error: unknown): number {
  if (error instanceof AggregateError) return Math.max(...error.errors.map(report));
  if (error instanceof CommanderError) {
    // Help and version are answers; commander has written everything else to stderr already.
    return error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
  if (!MeshError.is(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else process.stderr.write(`${sentenceOf(error)}\n`);
  return exitCodeOf(error);
}

/** What the server refuses is told in kubectl's form, for scripts that look for it. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof ApiError) || error.isOwn || error.status.reason === '') {
    return `hauberk: ${messageOf(error)}`;
  }
  const { reason, message } = error.status;
  return `Error from server (${reason}): ${message}`;
}
