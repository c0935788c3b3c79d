import { Command, CommanderError } from 'commander';
import { ApiError } from '../apiclient/api-error.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { packageVersion } from '../lib/package-version.ts';
import { commands } from './commands.ts';
import { exitCodeOf } from './exit-code.ts';

const COULD_NOT_TELL = 3;
const USAGE_ERROR = 2;

/** Runs one command line and ends the process with the exit code that its outcome has. */
export async function main(argv: readonly string[]): Promise<void> {
  answerForOutput();
  const program = new Command('hauberk')
    .description(
      'gives every service an identity, encrypts every connection, decides who may call whom',
    )
    .version(packageVersion())
    .showHelpAfterError('(see --help)');
  const wanted = Object.hasOwn(commands, argv[2] ?? '') ? commands[argv[2] ?? ''] : undefined;
  const needed = ['-V', '--version'].includes(argv[2] ?? '') ? [] : Object.values(commands);
  const loaded = wanted === undefined ? needed : [wanted];
  for (const load of loaded) program.addCommand(await load());
  exitWithErrors(program);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error);
    // What it had opened before it failed, ports above all, would keep the process. Later, as an output that cannot
    // be written is told of in this turn.
    setImmediate(() => process.exit());
  }
}

/** An output that cannot be written is not the program's own mistake. */
function answerForOutput(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads may have had enough: `hauberk get pods | head -1`.
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`hauberk: cannot write the output: ${messageOf(error)}\n`);
    process.exit(COULD_NOT_TELL);
  });
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
