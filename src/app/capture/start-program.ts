import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { MeshError, messageOf } from '../../lib/errors.ts';

/** A program that is to be started. */
export interface ProgramSpec {
  readonly argv: readonly string[];
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** What this process has; what is ours in it is kept back. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly extraEnv: Readonly<Record<string, string>>;
  /** Directory of the cgroup to be in from its first instruction on. */
  readonly cgroup: string | undefined;
}

export interface StartedProgram {
  readonly pid: number;
  /** Its exit code; 128 and the signal's number where one ended it. */
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

/** Tokens, keys and passphrases come in variables of ours; no program of others gets to see them. */
const OURS = /^HAUBERK_/;
const SIGNALLED = 128;
/** Waits on descriptor 3 until the process has been put where it belongs, then becomes the program. */
const WAIT_THEN_EXEC = 'read -r go <&3 || exit 125; exec 3<&-; exec "$@"';

/** @throws {MeshError} ERR_USAGE when it cannot be started. */
export async function startProgram(spec: ProgramSpec): Promise<StartedProgram> {
  const { argv, uid, gid, cgroup } = spec;
  const [file = '', ...args] = argv;
  const env = {
    ...Object.fromEntries(Object.entries(spec.env).filter(([name]) => !OURS.test(name))),
    ...spec.extraEnv,
  };
  const who = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  const child =
    cgroup === undefined
      ? spawn(file, args, { env, stdio: 'inherit', ...who })
      : spawn('/bin/sh', ['-c', WAIT_THEN_EXEC, 'sh', ...argv], {
          ...{ env, stdio: ['inherit', 'inherit', 'inherit', 'pipe'], ...who },
        });
  const exited = exitOf(child);
  const pid = await started(child, file);
  if (cgroup !== undefined) letGo(child, pid, cgroup);
  return { pid, exited, kill: (signal) => void child.kill(signal) };
}

function started(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (cause) => {
      reject(new MeshError('ERR_USAGE', `cannot start "${file}": ${messageOf(cause)}`, { cause }));
    });
  });
}

function letGo(child: ChildProcess, pid: number, cgroup: string): void {
  writeFileSync(join(cgroup, 'cgroup.procs'), String(pid));
  const gate = child.stdio[3];
  if (gate != null && 'write' in gate) gate.end('go\n');
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
