import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { callAdmin } from '../../src/app/admin-client.ts';
import type { RotationStatus } from '../../src/app/control-plane/authority-rotation.ts';
import type { ProcessGroup, StartedProcess } from '../../src/app/demo/process-group.ts';
import { operatorOf } from './operator.ts';

const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));

/** A control plane as a process of its own, which can be killed and started again. */
export interface ControlPlaneProcess {
  readonly dataDir: string;
  readonly xdsPort: number;
  readonly process: StartedProcess;
  apply(manifest: string): Promise<unknown>;
  createToken(namespace: string, serviceAccount: string): Promise<string>;
  status(): Promise<RotationStatus>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Asks it to end, as an operator does. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface ControlPlaneProcessOptions {
  readonly group: ProcessGroup;
  readonly dataDir: string;
  readonly xdsPort: number;
  /** Further arguments of `hauberk up`. */
  readonly args?: readonly string[];
}

/** Far above what it takes: a busy machine must not fail a test. */
const PATIENCE_MS = 90_000;
const API = ['--api-listen', '127.0.0.1:0'];

/** Starts one and waits until it answers. */
export async function controlPlaneProcess(
  options: ControlPlaneProcessOptions,
): Promise<ControlPlaneProcess> {
  const { group, dataDir, xdsPort, args = [] } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const operator = operatorOf(dataDir);
  let runs = 0;
  const launch = (): StartedProcess => {
    runs += 1;
    return group.start({
      name: `control-plane-${runs}`,
      args: [binary, 'up', '--data-dir', dataDir, '--xds', `127.0.0.1:${xdsPort}`, ...API, ...args],
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    });
  };
  const status = (): Promise<RotationStatus> =>
    callAdmin<RotationStatus>(dataDir, { method: 'GET', path: '/v1/ca/status' });
  const answering = async (): Promise<void> => {
    const deadlineMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const answers = await status().then(
        () => true,
        () => false,
      );
      if (answers) return;
      if (!running.running || Date.now() > deadlineMs) {
        throw new Error(`the control plane did not get ready: ${running.log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  let running = launch();
  await answering();
  return {
    dataDir,
    xdsPort,
    get process() {
      return running;
    },
    apply: (manifest) => operator.apply(manifest),
    createToken: (...account) => operator.enrolmentToken(...account),
    status,
    async kill() {
      running.kill('SIGKILL');
      await running.exited;
    },
    async stop() {
      running.kill('SIGTERM');
      await running.exited;
    },
    async start() {
      running = launch();
      await answering();
    },
  };
}
