import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import type { SidecarConfig } from '../sidecar/sidecar-config.ts';
import { captureDown, captureUp } from './capture-rules.ts';
import { cgroupOrigin, cgroupRoot } from './cgroup-origin.ts';
import { planCapture } from './plan-capture.ts';

/** The rules that one program needs, for as long as it runs. */
export interface ProgramRules {
  /** Makes them, and gives the directory of the cgroup to start the program in; none where none are needed. */
  up(): Promise<string | undefined>;
  down(): Promise<void>;
}

/**
 * Rules for what a cgroup of the program's own sends: they hold for it and all that it starts, whoever
 * it runs as, and for nothing else, so the proxy needs no user of its own.
 */
export function programRules({ capture }: SidecarConfig): ProgramRules {
  const redirect = capture?.redirect;
  if (redirect === undefined) return { up: async () => undefined, down: async () => undefined };
  const name = `run_${process.pid}`;
  let directory: string | undefined;
  let made = false;
  return {
    async up() {
      const root = cgroupRoot();
      if (root === undefined) {
        const text = '--capture redirect needs the cgroup v2 hierarchy, which is not mounted here';
        throw new MeshError('ERR_UNREACHABLE', text);
      }
      directory = makeCgroup(join(root, `hauberk_${name}`));
      const { inboundPorts, outboundPort, inboundPort, dnsPort } = redirect;
      const everything = { includePorts: [], excludePorts: [], includeCidrs: [], excludeCidrs: [] };
      const ports = (inboundPorts ?? []).map(({ port }) => ({ first: port, last: port }));
      const plan = planCapture({
        name,
        from: { all: false, uids: [], gids: [], cgroups: [cgroupOrigin(directory).path] },
        proxy: { uids: [], gids: [] },
        ports: { outbound: outboundPort, inbound: inboundPort, dns: dnsPort },
        outbound: everything,
        // Which ports are the program's is not known unless it is said: others' are left alone.
        inbound: ports.length === 0 ? undefined : { ...everything, includePorts: ports },
      });
      await captureUp(plan);
      made = true;
      return directory;
    },
    async down() {
      if (directory !== undefined) endAll(directory);
      if (made) await captureDown(name);
      if (directory !== undefined) removeCgroup(directory);
    },
  };
}

function makeCgroup(directory: string): string {
  try {
    mkdirSync(directory);
    return directory;
  } catch (cause) {
    const text = `cannot make the cgroup "${directory}": --capture redirect of \`hauberk run\` needs root`;
    throw new MeshError('ERR_FORBIDDEN', text, { cause });
  }
}

/** What the program has left behind would speak plaintext once the rules are gone. */
function endAll(directory: string): void {
  try {
    writeFileSync(join(directory, 'cgroup.kill'), '1');
  } catch {
    // A kernel before 5.14, which cannot.
  }
}

function removeCgroup(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something that the program left behind still runs in it; it goes with the last of them.
  }
}
