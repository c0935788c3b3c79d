import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../lib/package-root.ts';
import { callAdmin } from '../admin-client.ts';
import { kubeconfigPath } from '../data-dir.ts';
import { readStatus } from '../sidecar/sidecar-socket.ts';
import type { SidecarStatus } from '../sidecar/sidecar-status.ts';
import { ProcessGroup, type StartedProcess } from './process-group.ts';
import { askCli, type CliAnswer, runCli } from './run-cli.ts';
import {
  type ServiceName,
  type ShopPorts,
  serviceEnv,
  serviceNames,
  shopPorts,
  sidecarArgs,
} from './shop.ts';
import { NoUseWaiting, until } from './until.ts';
import { startWireTap, type WireTap } from './wire-tap.ts';

const root = fileURLToPath(packageRoot);
const binary = join(root, 'bin/hauberk');
const shop = join(root, 'examples/shop');

/** The whole mesh of the demo as real processes: a control plane, three services, three sidecars. */
export class Stage {
  readonly ports: ShopPorts;
  readonly directory: string;
  readonly tap: WireTap;
  readonly #processes: ProcessGroup;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #programs = new Map<ServiceName, StartedProcess>();
  readonly #sidecars = new Map<ServiceName, StartedProcess>();
  #controlPlane: StartedProcess | undefined;

  private constructor(
    ports: ShopPorts,
    directory: string,
    tap: WireTap,
    environment: Readonly<Record<string, string>>,
  ) {
    this.ports = ports;
    this.directory = directory;
    this.tap = tap;
    this.#environment = environment;
    this.#processes = new ProcessGroup(join(directory, 'logs'));
  }

  /** An empty stage: ports chosen, nothing started but the relay. */
  static async prepare(environment: Readonly<Record<string, string>>): Promise<Stage> {
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-demo-'));
    mkdirSync(join(directory, 'logs'));
    const ports = await shopPorts();
    const tap = await startWireTap(ports.tap, ports.services.reviews.hbone);
    return new Stage(ports, directory, tap, environment);
  }

  /** Starts everything and waits until each sidecar is ready and knows all three workloads. */
  async start(): Promise<void> {
    await this.startControlPlane();
    await this.apply('shop.yaml');
    await Promise.all(
      serviceNames.map(async (name) => {
        this.#startProgram(name);
        await this.startSidecar(name, await this.createToken(name));
      }),
    );
    await until('the sidecars know of each other', async () => {
      const statuses = await Promise.all(serviceNames.map((name) => this.status(name)));
      return statuses.every(({ facts }) => facts.workloadEntries >= serviceNames.length);
    });
    await until('the services answer', async () => {
      const answers = serviceNames.map((name) =>
        fetch(`http://127.0.0.1:${this.ports.services[name].app}/`),
      );
      await Promise.all(answers.map(async (answer) => (await answer).arrayBuffer()));
      return true;
    });
  }

  get dataDir(): string {
    return join(this.directory, 'control-plane');
  }

  /** Lets kubectl and hauberk in. */
  get kubeconfig(): string {
    return kubeconfigPath(this.dataDir);
  }

  get controlPlane(): StartedProcess | undefined {
    return this.#controlPlane;
  }

  async startControlPlane(): Promise<void> {
    const args = [
      ...[binary, 'up', '--data-dir', this.dataDir, '--xds', `127.0.0.1:${this.ports.xds}`],
      // Any free port: a control plane may run beside the demo.
      ...['--api-listen', '127.0.0.1:0'],
    ];
    const started = this.#processes.start({ name: 'control-plane', args, env: this.#environment });
    this.#controlPlane = started;
    await until('the control plane answers', async () => {
      this.#refuseDead(started);
      await callAdmin(this.dataDir, { method: 'GET', path: '/v1/status' });
      return true;
    });
  }

  /** Runs `hauberk apply -f` on a file of the example, or on another path. */
  apply(file: string): Promise<string> {
    return this.hauberk('apply', '-f', this.policy(file));
  }

  /** Path of a file of examples/shop/policies, or of any where it has a directory. */
  policy(file: string): string {
    return file.includes('/') ? file : join(shop, 'policies', file);
  }

  /** Runs a command against this stage's control plane. */
  hauberk(...args: readonly string[]): Promise<string> {
    return runCli(binary, [...args, '--data-dir', this.dataDir], this.#environment);
  }

  /** Runs a command whose answer may be no. */
  ask(...args: readonly string[]): Promise<CliAnswer> {
    return askCli(binary, [...args, '--data-dir', this.dataDir], this.#environment);
  }

  /** A file with a new enrolment token for a service. */
  async createToken(name: ServiceName): Promise<string> {
    const token = await this.hauberk('token', 'create', '--service-account', `shop/${name}`);
    const file = join(this.directory, `${name}-${Date.now()}.token`);
    writeFileSync(file, token, { mode: 0o600 });
    return file;
  }

  /** Starts a sidecar; one that runs on the same state directory is taken over. */
  async startSidecar(name: ServiceName, tokenFile?: string): Promise<StartedProcess> {
    const args = [
      binary,
      ...sidecarArgs(name, this.ports, { stateDir: this.stateDir(name), tokenFile }),
    ];
    const started = this.#processes.start({
      name: `${name}-sidecar`,
      args,
      env: this.#environment,
    });
    await until(`the sidecar of ${name} is ready`, async () => {
      this.#refuseDead(started);
      return (await this.status(name)).pid === started.pid;
    });
    this.#sidecars.set(name, started);
    return started;
  }

  stateDir(name: ServiceName): string {
    return join(this.directory, 'sidecars', name);
  }

  status(name: ServiceName): Promise<SidecarStatus> {
    return readStatus(this.stateDir(name));
  }

  program(name: ServiceName): StartedProcess {
    return present(this.#programs, name);
  }

  sidecar(name: ServiceName): StartedProcess {
    return present(this.#sidecars, name);
  }

  /** Where people come in: the front page of the shop. */
  get frontPage(): string {
    return `http://127.0.0.1:${this.ports.services.frontend.app}/`;
  }

  /** Ends every process and removes every file. */
  async close(): Promise<void> {
    await this.#processes.stop();
    await this.tap.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #startProgram(name: ServiceName): void {
    const env = { ...this.#environment, ...serviceEnv(name, this.ports) };
    const args = [join(shop, `${name}.mjs`)];
    this.#programs.set(name, this.#processes.start({ name, args, env }));
  }

  #refuseDead(process: StartedProcess): void {
    if (process.running) return;
    const lastLine = process.log().trim().split('\n').at(-1) ?? '';
    throw new NoUseWaiting(`it ended: ${lastLine}`);
  }
}

function present(
  processes: ReadonlyMap<ServiceName, StartedProcess>,
  name: ServiceName,
): StartedProcess {
  const found = processes.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}
