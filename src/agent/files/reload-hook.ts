import { spawn } from 'node:child_process';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { readSmallFile } from '../../lib/small-file.ts';

/** How a program is told that there are new files. */
export type ReloadHook =
  | { readonly kind: 'command'; readonly command: string }
  | {
      readonly kind: 'pid-file';
      readonly path: string;
      readonly signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';
    };

const LARGEST_PID_FILE = 1024;
const COMMAND_MS = 30_000;
const LONGEST_OUTPUT = 2_000;
/** The sidecar's own environment may hold its enrolment token. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs the command by /bin/sh with an environment of PATH and `HAUBERK_SVID_DIR`, and ends it with all
 * that it started when that holds its output open for 30 seconds; or signals the process whose number is in the file.
 *
 * @throws {MeshError} ERR_RELOAD saying why, with the end of what the command wrote.
 */
export async function reload(
  hook: ReloadHook,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  if (hook.kind === 'command') return run(hook.command, directory, signal);
  try {
    const wanted = { path: hook.path, what: 'file with its number', maxBytes: LARGEST_PID_FILE };
    const pid = Number(readSmallFile(wanted).trim());
    if (!Number.isInteger(pid) || pid < 2) throw new Error('there is no process number in it');
    process.kill(pid, hook.signal);
  } catch (cause) {
    const text = `cannot signal the process of "${hook.path}": ${messageOf(cause)}`;
    throw new MeshError('ERR_RELOAD', text, { cause });
  }
}

function run(command: string, directory: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { PATH, HAUBERK_SVID_DIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what the shell has started ends with it.
      detached: true,
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-LONGEST_OUTPUT);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const stop = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    };
    const late = setTimeout(stop, COMMAND_MS);
    signal.addEventListener('abort', stop, { once: true });
    const end = (problem: string | undefined): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      if (problem === undefined) {
        resolve();
        return;
      }
      const said = output.trim() === '' ? '' : `: ${output.trim()}`;
      reject(new MeshError('ERR_RELOAD', `"${command}" ${problem}${said}`));
    };
    child.once('error', (error) => end(`cannot be run: ${messageOf(error)}`));
    child.once('close', (code, killedBy) => {
      if (code === 0) end(undefined);
      else end(killedBy === null ? `ended with ${code}` : 'did not end in time');
    });
  });
}
