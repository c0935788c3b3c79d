import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kubectl {
  run(
    args: string,
    options?: { readonly stdin?: string; readonly env?: Record<string, string> },
  ): Promise<KubectlResult>;
  /** Starts it and hands on what it prints, until it is stopped. */
  start(args: string): { readonly output: () => string; readonly stop: () => Promise<void> };
  close(): void;
}

/** kubectl with a kubeconfig and a cache of its own. Arguments are split at spaces outside of single quotes. */
export function kubectlWith(path: string, kubeconfig: string): Kubectl {
  const home = mkdtempSync(join(tmpdir(), 'hauberk-kubectl-'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    KUBECONFIG: kubeconfig,
    EDITOR: 'true',
  };
  return {
    run: (args, { stdin = '', env: more = {} } = {}) =>
      new Promise((resolve) => {
        const child = execFile(
          path,
          words(args),
          { env: { ...env, ...more }, timeout: 100_000, maxBuffer: 1 << 26 },
          (error, stdout, stderr) => {
            const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
            resolve({ code, stdout, stderr });
          },
        );
        child.stdin?.on('error', () => {});
        child.stdin?.end(stdin);
      }),
    start(args) {
      const child = spawn(path, words(args), { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      return {
        output: () => text,
        async stop() {
          child.kill('SIGTERM');
          await ended;
        },
      };
    },
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}

function words(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
