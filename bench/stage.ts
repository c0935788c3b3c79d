import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../src/app/demo/free-ports.ts';
import { type Application, startApplication } from './application.ts';
import { type MeshCertificates, writeCertificates } from './certificates.ts';
import { listening } from './listening.ts';
import { ProgramGroup } from './program-group.ts';
import type { Tools } from './tools.ts';

/** What all pairs share: one application, one set of certificates, one directory that goes away. */
export interface Stage {
  readonly tools: Tools;
  readonly directory: string;
  readonly programs: ProgramGroup;
  readonly certificates: MeshCertificates;
  readonly application: Application;
  /** Environment of the programs; nothing else of ours reaches them. */
  readonly environment: Readonly<Record<string, string>>;
  /** `count` free ports below the range of outgoing connections, each given out once. */
  ports(count: number): Promise<readonly number[]>;
  /** The port on which the callee's sidecar is reached, behind a delay if one was asked for. */
  wayTo(tlsPort: number): Promise<number>;
  /** Ends every program and removes every file. */
  close(): Promise<void>;
}

const relay = fileURLToPath(new URL('delay-relay.ts', import.meta.url));

/** Starts the application; the pairs are started by whoever measures them. */
export async function openStage(
  tools: Tools,
  environment: Readonly<Record<string, string>>,
  delayMs = 0,
): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-bench-'));
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const programs = new ProgramGroup(logs);
  const atExit = (): void => {
    programs.killAll();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const given = new Set<number>();
  const ports = async (count: number): Promise<readonly number[]> => {
    const taken: number[] = [];
    while (taken.length < count) {
      const fresh = (await freePorts(count - taken.length)).filter((port) => !given.has(port));
      for (const port of fresh) given.add(port);
      taken.push(...fresh);
    }
    return taken;
  };
  const certificates = writeCertificates(directory);
  const common = { tools, directory, programs, environment };
  const application = await startApplication({ ...common, ports });
  return {
    ...common,
    certificates,
    application,
    ports,
    async wayTo(tlsPort) {
      if (delayMs === 0) return tlsPort;
      const [from = 0] = await ports(1);
      const args = [relay, ...[from, tlsPort, delayMs].map(String)];
      const program = programs.start({
        ...{ name: `relay-${from}`, command: process.execPath, args, env: environment },
      });
      await listening('the delaying relay', from, [program]);
      return from;
    },
    async close() {
      await programs.stop();
      process.off('exit', atExit);
      atExit();
    },
  };
}
