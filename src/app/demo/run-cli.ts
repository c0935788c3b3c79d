import { execFile } from 'node:child_process';
import { MeshError } from '../../lib/errors.ts';

/** Runs one `hauberk` command in a process of its own and returns what it printed. */
export function runCli(
  binary: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [binary, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const text = stderr.trim() || error.message;
      reject(
        new MeshError('ERR_UNREACHABLE', `\`hauberk ${args.join(' ')}\` failed: ${text}`, {
          cause: error,
        }),
      );
    });
  });
}

/** What a command printed on standard output, and how it ended. */
export interface CliAnswer {
  readonly code: number;
  readonly stdout: string;
}

/** Runs one `hauberk` command whose answer may be no: exit code 1. */
export function askCli(
  binary: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliAnswer> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [binary, ...args], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === 0 || (code === 1 && stdout !== '')) return resolve({ code, stdout });
      const text = stderr.trim() || (error?.message ?? '');
      reject(
        new MeshError('ERR_UNREACHABLE', `\`hauberk ${args.join(' ')}\` failed: ${text}`, {
          cause: error,
        }),
      );
    });
  });
}
