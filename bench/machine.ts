import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Tools } from './tools.ts';

/** Where and with what was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly congestionControl: string;
  readonly versions: Readonly<Record<string, string>>;
}

const GIB = 1024 ** 3;

export async function describeMachine(tools: Tools): Promise<Machine> {
  const [nginx, haproxy, envoy, wrk] = await Promise.all([
    versionOf(tools.nginx, '-v'),
    versionOf(tools.haproxy, '-v'),
    versionOf(tools.envoy, '--version'),
    versionOf(tools.wrk, '-v'),
  ]);
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown CPU',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / GIB),
    kernel: release(),
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    versions: {
      hauberk: hauberkVersion(),
      'Node.js': `${process.version} (OpenSSL ${process.versions.openssl})`,
      nginx,
      HAProxy: haproxy,
      Envoy: envoy,
      wrk,
    },
  };
}

/** The first thing that looks like a version, wherever the program prints it. */
function versionOf(program: string, flag: string): Promise<string> {
  return new Promise((resolve) => {
    // wrk ends with 1 after it has told its version.
    execFile(program, [flag], (_, stdout, stderr) => {
      resolve(/\d+\.\d+\.\d+\S*/.exec(stdout + stderr)?.[0] ?? 'unknown');
    });
  });
}

function hauberkVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
