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
