import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPeer } from './peer.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
const NETNS = '/etc/netns';
const PATIENCE_MS = 60_000;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs on a host, and what it has written. */
export interface Running {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  output(): string;
}

/** How a program is run on a host. */
export interface How {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** With the machine's own /sys and resolv.conf, so that cgroups are there. */
  readonly cgroups?: boolean;
}

/** Declares tests on hosts of their own; without root or one of the programs they are skipped by name, in CI they fail. */
export function onHosts(
  programs: readonly string[],
  tests: (paths: Readonly<Record<string, string>>) => void,
): void {
  const paths = Object.fromEntries(programs.map((name) => [name, findPeer(name) ?? '']));
  const missing = programs.filter((name) => paths[name] === '');
  const problem =
    process.getuid?.() === 0
      ? missing.length > 0 && `${missing.join(', ')} not installed`
      : 'network namespaces need root';
  if (problem === false) describe('on hosts of their own', () => tests(paths));
  else if (process.env['CI']) it('has hosts', () => expect.unreachable(problem));
  else it.skip(`has hosts: ${problem}`);
}

/** One host: a network namespace with one interface on the common wire. */
export class Host {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly #namespace: string;
  readonly #children = new Set<ChildProcess>();

  constructor(namespace: string, name: string, at: number) {
    this.#namespace = namespace;
    this.name = name;
    this.ipv4 = `10.77.0.${at}`;
    this.ipv6 = `fd77::${at}`;
  }

  /** Runs a program to its end; never rejects. */
  run(argv: readonly string[], how: How = {}): Promise<Finished> {
    return new Promise((resolve) => {
      const [file = '', ...args] = this.#command(argv, how);
      const options = { env: environment(how), timeout: PATIENCE_MS, maxBuffer: 1 << 24 };
      const child = execFile(file, args, options, (error, stdout, stderr) => {
        this.#children.delete(child);
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
      this.#children.add(child);
      // A program may end before it has read anything.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(how.stdin ?? '');
    });
  }

  /** Standard output of a program that must succeed. */
  async must(argv: readonly string[], how: How = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, how);
    if (code === 0) return stdout;
    throw new Error(`${this.name}: ${argv.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  }

  hauberk(args: readonly string[], how: How = {}): Promise<Finished> {
    return this.run([process.execPath, binary, ...args], how);
  }

  /** Starts a program that runs until the end of the tests. */
  start(argv: readonly string[], how: How = {}): Running {
    const [file = '', ...args] = this.#command(argv, how);
    const child = spawn(file, args, { env: environment(how), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    let text = '';
    const note = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    const exited = new Promise<void>((resolve) => {
      child.once('close', () => {
        this.#children.delete(child);
        resolve();
      });
    });
    return { process: child, exited, output: () => text };
  }

  startHauberk(args: readonly string[], how: How = {}): Running {
    return this.start([process.execPath, binary, ...args], how);
  }

  /** Ends all that was started here. */
  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #command(argv: readonly string[], { uid, gid, cgroups }: How): readonly string[] {
    const who = [
      ...(uid === undefined ? [] : ['--reuid', String(uid)]),
      ...(gid === undefined ? [] : ['--regid', String(gid)]),
    ];
    const as = who.length === 0 ? [] : ['setpriv', ...who, '--clear-groups'];
    const enter = cgroups
      ? ['nsenter', `--net=/run/netns/${this.#namespace}`]
      : ['ip', 'netns', 'exec', this.#namespace];
    return [...enter, ...as, ...argv];
  }
}

/** Hosts on one wire: a bridge in a namespace of its own, which sees every packet. */
export class Network {
  readonly wire: Host;
  readonly #prefix: string = `hbk${process.pid}`;
  readonly #namespaces: string[] = [];
  readonly #hosts: Host[] = [];

  constructor() {
    const namespace = this.#namespace('wire');
    this.wire = new Host(namespace, 'wire', 254);
    this.#hosts.push(this.wire);
    ip(['-n', namespace, 'link', 'add', 'br0', 'type', 'bridge']);
    ip(['-n', namespace, 'link', 'set', 'br0', 'up']);
  }

  /** Adds a host; `resolver` is what its resolv.conf names. */
  host(
    name: string,
    options: { readonly resolver: string; readonly ipv4?: boolean; readonly ipv6?: boolean },
  ): Host {
    const { resolver, ipv4 = true, ipv6 = true } = options;
    const at = this.#hosts.length;
    const namespace = this.#namespace(name, resolver);
    const host = new Host(namespace, name, at);
    this.#hosts.push(host);
    const [wire = ''] = this.#namespaces;
    const link = ['link', 'add', 'eth0', 'netns', namespace, 'type', 'veth'];
    ip([...link, 'peer', 'name', `to${at}`, 'netns', wire]);
    ip(['-n', wire, 'link', 'set', `to${at}`, 'master', 'br0', 'up']);
    if (!ipv6) sysctl(namespace, 'net.ipv6.conf.all.disable_ipv6=1');
    ip(['-n', namespace, 'link', 'set', 'lo', 'up']);
    ip(['-n', namespace, 'link', 'set', 'eth0', 'up']);
    if (ipv4) {
      ip(['-n', namespace, 'addr', 'add', `${host.ipv4}/24`, 'dev', 'eth0']);
      ip(['-n', namespace, 'route', 'add', 'default', 'via', '10.77.0.254']);
    }
    if (ipv6) {
      ip(['-n', namespace, '-6', 'addr', 'add', `${host.ipv6}/64`, 'dev', 'eth0', 'nodad']);
      ip(['-n', namespace, '-6', 'route', 'add', 'default', 'via', 'fd77::ff']);
    }
    return host;
  }

  /** Ends everything and takes the namespaces away, as far as they were made. */
  close(): void {
    for (const host of this.#hosts) host.stop();
    for (const namespace of this.#namespaces) {
      const pids = quietly(['netns', 'pids', namespace]).split('\n').filter(Boolean);
      for (const pid of pids) killQuietly(Number(pid));
      quietly(['netns', 'del', namespace]);
      rmSync(join(NETNS, namespace), { recursive: true, force: true });
    }
  }

  #namespace(name: string, resolver?: string): string {
    const namespace = `${this.#prefix}${name}`;
    if (resolver !== undefined) {
      mkdirSync(join(NETNS, namespace), { recursive: true });
      writeFileSync(join(NETNS, namespace, 'resolv.conf'), `nameserver ${resolver}\n`);
    }
    this.#namespaces.push(namespace);
    ip(['netns', 'add', namespace]);
    return namespace;
  }
}

/** Tries until it succeeds; at the end of its patience it fails as the last try did. */
export async function insist<T>(attempt: () => Promise<T>, withinMs: number): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function environment({ env }: How): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env };
}

function ip(args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function quietly(args: readonly string[]): string {
  try {
    return ip(args);
  } catch {
    return '';
  }
}

function sysctl(namespace: string, setting: string): void {
  ip(['netns', 'exec', namespace, 'sysctl', '-q', '-w', setting]);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
