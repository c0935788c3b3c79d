import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import type { SidecarStatus } from '../../src/app/sidecar/sidecar-status.ts';
import { SHOP } from './control-plane-rig.ts';
import { type Host, insist, Network, type Running } from './network-hosts.ts';

const PATIENCE_MS = 90_000;
const RESOURCES = `${SHOP}---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: tcp, port: 80, targetPort: 8080 }] }
`;
/** Says its name in front of whatever it is sent. */
const APP = `require('node:net').createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (data) => socket.write(process.argv[1] + ':' + data));
}).listen(9080, '127.0.0.1');`;
/** Brings connections from outside of the host, through the file system, to the sidecar's port. */
const DOOR = `const { connect, createServer } = require('node:net');
createServer((inside) => {
  const to = connect(7001, '127.0.0.1');
  inside.pipe(to).pipe(inside);
  for (const [one, other] of [[inside, to], [to, inside]]) {
    one.on('error', () => undefined);
    one.on('close', () => other.destroy());
  }
}).listen(process.argv[1]);`;

/** A control plane, one who calls, and two who are called, each on a host of its own. */
export class FarMesh {
  readonly network: Network = new Network();
  readonly caller: Host;
  readonly callees: readonly Host[];
  readonly #plane: Host;
  readonly #directory = mkdtempSync(join(tmpdir(), 'hauberk-far-'));
  readonly #running = new Map<Host, Running>();

  constructor() {
    const resolver = '10.77.0.1';
    this.#plane = this.network.host('cp', { resolver });
    this.caller = this.network.host('a', { resolver });
    this.callees = ['b', 'c'].map((name) => this.network.host(name, { resolver }));
  }

  async start(): Promise<void> {
    const { env } = this;
    const args = ['up', '--xds', `${this.#plane.ipv4}:15012`, '--api-listen', '127.0.0.1:6443'];
    this.#plane.startHauberk([...args, '--metrics', 'off'], { env });
    await insist(async () => {
      await this.#hauberk(['apply', '-f', '-'], RESOURCES);
    }, PATIENCE_MS);
    const inbound = ['--inbound', 'tcp:0.0.0.0:8080=127.0.0.1:9080'];
    await Promise.all([
      ...this.callees.map((host) => this.#sidecar(host, 'reviews', inbound)),
      this.#sidecar(this.caller, 'products', ['--outbound', '127.0.0.1:7001=reviews.shop:80']),
    ]);
    for (const host of this.callees) host.start([process.execPath, '-e', APP, host.name]);
    this.caller.start([process.execPath, '-e', DOOR, this.#door]);
    await insist(async () => {
      const seen = new Set(await Promise.all(Array.from({ length: 16 }, () => this.#whoAnswers())));
      if (seen.size < this.callees.length) throw new Error('not all of them answer');
    }, PATIENCE_MS);
  }

  /** A connection of the caller's application; errors are kept silent. */
  open(): Socket {
    const socket = connect(this.#door);
    socket.on('error', () => undefined);
    return socket;
  }

  status(host: Host): Promise<SidecarStatus> {
    return readStatus(this.#stateDir(host));
  }

  /** What the sidecar of a host has logged. */
  log(host: Host): string {
    return this.#running.get(host)?.output() ?? '';
  }

  close(): void {
    this.network.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get env(): Record<string, string> {
    return { HAUBERK_DATA_DIR: join(this.#directory, 'plane') };
  }

  get #door(): string {
    return join(this.#directory, 'door.sock');
  }

  #stateDir(host: Host): string {
    return join(this.#directory, `state-${host.name}`);
  }

  async #whoAnswers(): Promise<string> {
    const socket = this.open();
    try {
      return await answerOf(socket, 'who');
    } finally {
      socket.destroy();
    }
  }

  async #sidecar(host: Host, account: string, args: readonly string[]): Promise<void> {
    const { stdout } = await this.#hauberk([
      'token',
      'create',
      '--service-account',
      `shop/${account}`,
    ]);
    mkdirSync(this.#stateDir(host), { mode: 0o700 });
    const running = host.startHauberk(
      [
        ...['sidecar', '--control-plane', `${this.#plane.ipv4}:15012`],
        ...['--state-dir', this.#stateDir(host), '--name', `${account}-${host.name}`],
        ...['--metrics', 'off', '--readiness', 'off', '--drain-timeout', '1s', ...args],
      ],
      { env: { HAUBERK_TOKEN: stdout.trim() } },
    );
    this.#running.set(host, running);
    await insist(() => this.status(host), PATIENCE_MS);
  }

  async #hauberk(args: readonly string[], stdin = ''): Promise<{ readonly stdout: string }> {
    const finished = await this.#plane.hauberk(args, { env: this.env, stdin });
    if (finished.code !== 0) throw new Error(`hauberk ${args.join(' ')}: ${finished.stderr}`);
    return finished;
  }
}

/** The name of who answers to `text` on a connection; rejects when it is cut. */
export function answerOf(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString().split(':')[0] ?? ''));
    socket.once('close', () => reject(new Error('cut')));
    socket.write(text);
  });
}
