import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessGroup, StartedProcess } from '../../src/app/demo/process-group.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import type { SidecarStatus } from '../../src/app/sidecar/sidecar-status.ts';
import type { ControlPlaneRig } from './control-plane-rig.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));

export interface SidecarProcess {
  readonly process: StartedProcess;
  status(): Promise<SidecarStatus>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

export interface SidecarProcessOptions {
  readonly group: ProcessGroup;
  readonly plane: Pick<ControlPlaneRig, 'createToken' | 'xdsPort'>;
  /** Name of the process and of the service account in `shop`. */
  readonly name: string;
  readonly directory: string;
  readonly hbonePort: number;
  /** `--inbound` and `--outbound`, as on the command line. */
  readonly args: readonly string[];
  /** Arguments of Node.js itself. */
  readonly nodeArgs?: readonly string[];
}

/** A sidecar as a process of its own, enrolled and ready. */
export async function sidecarProcess(options: SidecarProcessOptions): Promise<SidecarProcess> {
  const { group, plane, name, directory, hbonePort, args, nodeArgs = [] } = options;
  const stateDir = join(directory, name);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const tokenFile = join(stateDir, 'token');
  writeFileSync(tokenFile, await plane.createToken('shop', name), { mode: 0o600 });
  const started = group.start({
    name,
    args: [
      ...[...nodeArgs, binary, 'sidecar', '--control-plane', `127.0.0.1:${plane.xdsPort}`],
      ...['--token-file', tokenFile, '--state-dir', stateDir, '--name', `${name}-1`],
      ...['--hbone', `127.0.0.1:${hbonePort}`, '--drain-timeout', '1s', ...args],
    ],
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
  });
  const status = (): Promise<SidecarStatus> => readStatus(stateDir);
  await ready(started, status);
  return {
    process: started,
    status,
    async kill() {
      started.kill('SIGKILL');
      await started.exited;
    },
  };
}

/** Far above what it takes: a busy machine must not fail a test. */
const PATIENCE_MS = 90_000;

async function ready(started: StartedProcess, status: () => Promise<SidecarStatus>): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await status().catch(() => undefined);
    if (answer?.pid === started.pid) return;
    if (!started.running || Date.now() > deadlineMs) {
      throw new Error(`${started.name} did not get ready: ${started.log()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
