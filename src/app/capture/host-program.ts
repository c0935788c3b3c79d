import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where distributions keep programs of the administrator, which a user's PATH may lack. */
const DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin'];
const PATIENCE_MS = 20_000;

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of this host that changes its network rules. */
export interface HostProgram {
  readonly path: string;
  run(args: readonly string[], stdin?: string): Promise<ProgramResult>;
}

/** The program of that name out of the administrator's directories; undefined where it is not installed. */
export function hostProgram(name: string): HostProgram | undefined {
  const path = DIRECTORIES.map((directory) => join(directory, name)).find(isExecutable);
  if (path === undefined) return undefined;
  return { path, run: (args, stdin = '') => run(path, args, stdin) };
}

function run(path: string, args: readonly string[], stdin: string): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = {
      env: { PATH: DIRECTORIES.join(':'), LC_ALL: 'C' },
      ...{ timeout: PATIENCE_MS, maxBuffer: 1 << 24 },
    };
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
    // A program that ends before it has read everything says why on its own.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
