import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { type Finding, ok } from './finding.ts';

const MEBIBYTE = 1_048_576;
const LOW_BYTES = 512 * MEBIBYTE;
const EMPTY_BYTES = 64 * MEBIBYTE;
const FEW_DESCRIPTORS = 4_096;
const MOST_IN_USE = 0.8;
const OTHERS = 0o077;

/** The directory that a process keeps its state in: who may enter it, and whether there is room. */
export function directoryFindings(path: string): readonly Finding[] {
  return [permissionFinding(path), diskFinding(path)];
}

function permissionFinding(directory: string): Finding {
  const check = 'permissions';
  try {
    const open = (statSync(directory).mode & OTHERS) !== 0 ? [directory] : [];
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      // A socket for other users is made so on purpose, and judged by who calls.
      if (stat?.isFile() && (stat.mode & OTHERS) !== 0) open.push(path);
    }
    // Behind a directory that only its owner enters, a file's own mode opens nothing.
    if (open[0] !== directory) {
      const evidence = `mode ${modeOf(directory)}, its owner only`;
      return ok(check, `only its owner can enter "${directory}"`, evidence);
    }
    return {
      ...{ check, level: 'problem', what: `others can enter "${directory}"` },
      evidence: open.map((path) => `${path} has mode ${modeOf(path)}`).join(', '),
      action: `chmod 700 ${directory}; it has keys and sockets in it`,
    };
  } catch (error) {
    return unknown(check, `cannot look at "${directory}"`, error);
  }
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

function diskFinding(path: string): Finding {
  const check = 'disk';
  try {
    const { bavail, bsize, files, ffree } = statfsSync(path);
    const free = bavail * bsize;
    const evidence = `${Math.floor(free / MEBIBYTE)} MiB free, ${ffree} of ${files} inodes`;
    const noInodes = files > 0 && ffree === 0;
    if (free >= LOW_BYTES && !noInodes)
      return ok(check, `the disk of "${path}" has room`, evidence);
    return {
      ...{ check, level: free < EMPTY_BYTES || noInodes ? 'problem' : 'warning', evidence },
      what: `the disk of "${path}" is nearly full`,
      action: 'free space; without it nothing is issued, since nothing may happen unrecorded',
    };
  } catch (error) {
    return unknown(check, `cannot look at the disk of "${path}"`, error);
  }
}

/** How many files and connections a process may open, and has open. */
export function descriptorFinding(pid: number): Finding {
  const check = 'file-descriptors';
  try {
    const [, soft = '0'] =
      /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
    const [limit, used] = [Number(soft), readdirSync(`/proc/${pid}/fd`).length];
    const evidence = `${used} of ${limit} in use`;
    if (used > limit * MOST_IN_USE) {
      const what = `process ${pid} is about to run out of file descriptors`;
      return { check, level: 'problem', what, evidence, action: raise(pid) };
    }
    if (limit >= FEW_DESCRIPTORS) return ok(check, 'there are file descriptors enough', evidence);
    const what = `process ${pid} may open few files and connections`;
    return { check, level: 'warning', what, evidence, action: raise(pid) };
  } catch (error) {
    return unknown(check, `cannot look at process ${pid}`, error);
  }
}

function raise(pid: number): string {
  return `raise the limit where process ${pid} is started: LimitNOFILE=65536 in its systemd unit, or ulimit -n`;
}

function unknown(check: string, what: string, error: unknown): Finding {
  const action = 'run the doctor as the user that runs hauberk';
  return { check, level: 'unknown', what, evidence: messageOf(error), action };
}
