import { readdirSync, readFileSync } from 'node:fs';

/** What one process has used so far. */
interface ProcessUse {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Of the process, all its threads and the children that it has waited for. */
  readonly cpuSeconds: number;
}

/** CPU time of everything on the machine at one moment. */
export interface CpuMoment {
  /** By process group. */
  readonly groups: ReadonlyMap<number, number>;
  /** Of this process and of the children that it has waited for. */
  readonly own: number;
  /** Of all processes; without the kernel's threads, which work for whoever has packets. */
  readonly all: number;
  /** What the host of a virtual machine gave to others though it was wanted here. */
  readonly stolen: number;
}

/** USER_HZ, which is 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;
const KERNEL_THREADS = 2;
const KIB = 1_024;

export function cpuMoment(): CpuMoment {
  const groups = new Map<number, number>();
  let own = 0;
  let all = 0;
  for (const { pid, parent, group, cpuSeconds } of processes()) {
    if (pid === KERNEL_THREADS || parent === KERNEL_THREADS) continue;
    groups.set(group, (groups.get(group) ?? 0) + cpuSeconds);
    all += cpuSeconds;
    if (pid === process.pid) own = cpuSeconds;
  }
  return { groups, own, all, stolen: stolenSeconds() };
}

/** CPU seconds of some process groups. */
export function cpuOf({ groups }: CpuMoment, ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + (groups.get(id) ?? 0), 0);
}

/** Bytes of memory that all processes of a group have resident; shared pages count in each. */
export function residentBytes(group: number): number {
  const members = processes().filter((each) => each.group === group);
  return members.reduce((sum, { pid }) => sum + residentOf(pid), 0);
}

/** proc_stat(5): user nice system idle iowait irq softirq steal. */
function stolenSeconds(): number {
  const [, , , , , , , , ticks = '0'] = readText('/proc/stat').split(/\s+/, 9);
  return Number(ticks) / TICKS_PER_SECOND;
}

function residentOf(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`)) ?? [];
  return Number(kib) * KIB;
}

function processes(): ProcessUse[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => parseStat(readText(`/proc/${name}/stat`)) ?? []);
}

/** proc_pid_stat(5); the name in parentheses may itself hold spaces and parentheses. */
function parseStat(text: string): ProcessUse | undefined {
  const end = text.lastIndexOf(')');
  if (end < 0) return undefined;
  const [, parent = 0, group = 0, ...rest] = text
    .slice(end + 2)
    .split(' ')
    .map(Number);
  const ticks = rest.slice(8, 12).reduce((sum, each) => sum + each, 0);
  return { pid: Number.parseInt(text, 10), parent, group, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** Empty when the process is gone meanwhile. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
