import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface OpensslResult {
  readonly ok: boolean;
  /** What it printed, standard output first. */
  readonly text: string;
}

/** A temporary directory in which openssl runs, gone when the test has finished. */
export class OpensslDirectory {
  readonly path: string = mkdtempSync(join(tmpdir(), 'hauberk-openssl-'));
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Writes a file and gives its name. */
  write(name: string, contents: string | Uint8Array): string {
    writeFileSync(join(this.path, name), contents);
    return name;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  readBytes(name: string): Uint8Array {
    return readFileSync(join(this.path, name));
  }

  /** Runs `openssl <args>`; whether it liked what it saw is for the test to ask. */
  try(...args: readonly string[]): OpensslResult {
    const { status, stdout, stderr } = spawnSync(this.#program, args, {
      cwd: this.path,
      encoding: 'utf8',
      input: '',
      timeout: 30_000,
    });
    return { ok: status === 0, text: stdout + stderr };
  }

  /** Runs `openssl <args>`, which must succeed, and gives what it printed. */
  run(...args: readonly string[]): string {
    const { ok, text } = this.try(...args);
    if (!ok) throw new Error(`openssl ${args.join(' ')}: ${text}`);
    return text;
  }
}
