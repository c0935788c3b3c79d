import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));

/** Runs `bin/hauberk` as a user would, with nothing of ours in its environment. */
export function hauberk(
  args: readonly string[],
  options: {
    readonly stdin?: string | Uint8Array;
    readonly env?: Record<string, string>;
    /** Keeps every byte of standard output, as Latin-1. */
    readonly binary?: boolean;
  } = {},
): Promise<CliResult> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [binary, ...args],
      {
        env: { PATH, HOME: '/nonexistent', ...options.env },
        maxBuffer: 1 << 26,
        timeout: 100_000,
        encoding: options.binary ? 'latin1' : 'utf8',
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(options.stdin ?? '');
  });
}
