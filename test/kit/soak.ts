import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../src/app/demo/free-ports.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import type { Address } from '../../src/proxy/address.ts';
import { type ControlPlaneProcess, controlPlaneProcess } from './control-plane-process.ts';
import { SHOP } from './control-plane-rig.ts';
import { ask, dial, echoServer, LOOPBACK, startApp } from './proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from './sidecar-process.ts';

export interface SoakOptions {
  /** Empty; everything that the mesh keeps goes there. */
  readonly directory: string;
  readonly seconds: number;
  /** Of the application, open at a time. */
  readonly connections: number;
  /** Between two renewals of all certificates. */
  readonly rotateSeconds: number;
  /** Between two changes of policy. */
  readonly flipSeconds: number;
  /** Told once a second or so. */
  readonly progress?: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly seconds: number;
  readonly requests: number;
  /** Connections that were opened, the first ones included. */
  readonly opened: number;
  /** Why each failed request did; a connection that broke without one is in it too. */
  readonly failures: readonly string[];
  readonly flips: number;
  /** Certificates that the two sidecars got. */
  readonly certificates: number;
  readonly controlPlaneRestarts: number;
  /** How each connection of the callers travelled. */
  readonly transports: Readonly<Record<string, number>>;
  /** RSS of each sidecar in MB, at each look. */
  readonly rssMb: Readonly<Record<string, readonly number[]>>;
}

const LONGEST_REQUEST_MS = 15_000;
const MOST_REQUESTS_PER_CONNECTION = 40;

/**
 * A mesh of processes under load while everything about it changes: certificates are renewed all the
 * time, policies flip between ones that all allow the load, the control plane is killed and comes back.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { directory, seconds, connections } = options;
  const group = new ProcessGroup(directory);
  const app = await startApp(echoServer());
  try {
    const mesh = await startMesh(group, app.address, options);
    const load = new SoakLoad(mesh.entrance);
    const deadlineMs = Date.now() + seconds * 1_000;
    const stop = new AbortController();
    const running = load.run(connections, stop.signal);
    const watching = watch(mesh, load, { ...options, signal: stop.signal });
    const flipping = flip(mesh, options, stop.signal);
    const rotating = rotate(mesh, options, stop.signal);
    const restarts = await restartControlPlane(mesh, seconds);
    await sleep(Math.max(0, deadlineMs - Date.now()));
    stop.abort();
    await Promise.all([running, rotating]);
    const [rssMb, flips] = [await watching, await flipping];
    const status = await Promise.all(mesh.sidecars.map((sidecar) => sidecar.status()));
    return {
      ...{ seconds, requests: load.requests, opened: load.opened, failures: load.failures },
      ...{ flips, controlPlaneRestarts: restarts, rssMb, transports: mesh.transports },
      certificates: status.reduce((sum, { identity }) => sum + identity.received, 0),
    };
  } finally {
    await group.stop();
    await app[Symbol.asyncDispose]();
  }
}

interface Mesh {
  readonly plane: ControlPlaneProcess;
  readonly sidecars: readonly SidecarProcess[];
  /** Where the application reaches the service. */
  readonly entrance: Address;
  readonly transports: Record<string, number>;
}

async function startMesh(
  group: ProcessGroup,
  app: Address,
  { directory }: SoakOptions,
): Promise<Mesh> {
  const [xdsPort = 0, workload = 0, hboneA = 0, hboneB = 0, outbound = 0] = await freePorts(5);
  const plane = await controlPlaneProcess({ group, xdsPort, dataDir: join(directory, 'plane') });
  await plane.apply(SHOP);
  await plane.apply(
    `apiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${workload} } ] }`,
  );
  const common = { group, plane, directory };
  const reviews = await sidecarProcess({
    ...{ ...common, name: 'reviews', hbonePort: hboneA },
    args: ['--inbound', `tcp:${LOOPBACK}:${workload}=${LOOPBACK}:${app.port}`],
  });
  const products = await sidecarProcess({
    ...{ ...common, name: 'products', hbonePort: hboneB },
    args: ['--outbound', `${LOOPBACK}:${outbound}=reviews.shop:80`],
  });
  const entrance = { host: LOOPBACK, port: outbound };
  await answering(entrance);
  return { plane, sidecars: [reviews, products], entrance, transports: {} };
}

/** The account with that lifetime of its SVIDs; another one makes its workloads renew at once. */
function account(name: string, lifetimeMinutes: number): string {
  return [
    'apiVersion: v1',
    'kind: ServiceAccount',
    'metadata:',
    `  name: ${name}`,
    '  namespace: shop',
    `  labels: { app: ${name} }`,
    `  annotations: { security.hauberk.dev/svid-lifetime: ${lifetimeMinutes}m }`,
  ].join('\n');
}

async function answering(entrance: Address): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      const socket = await dial(entrance);
      const answer = await ask(socket, 'hello');
      socket.destroy();
      if (answer === 'hello') return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the mesh did not answer');
}

/** Connections that ask again and again, each replaced after a while. */
class SoakLoad {
  readonly failures: string[] = [];
  requests = 0;
  opened = 0;
  readonly #entrance: Address;

  constructor(entrance: Address) {
    this.#entrance = entrance;
  }

  async run(connections: number, stop: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.#client(stop)));
  }

  async #client(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const socket = await this.#open();
      if (socket === undefined) continue;
      const requests = 1 + Math.floor(MOST_REQUESTS_PER_CONNECTION * Math.random());
      for (let count = 0; count < requests && !stop.aborted; count += 1) {
        if (!(await this.#request(socket))) break;
        await sleep(200 + 400 * Math.random(), undefined, { signal: stop }).catch(() => undefined);
      }
      socket.destroy();
    }
  }

  async #open(): Promise<Socket | undefined> {
    try {
      this.opened += 1;
      return await dial(this.#entrance);
    } catch (error) {
      this.#failed(`could not connect: ${String(error)}`);
      await sleep(100);
      return undefined;
    }
  }

  async #request(socket: Socket): Promise<boolean> {
    this.requests += 1;
    const text = `request ${this.requests}`;
    const late = setTimeout(() => socket.destroy(), LONGEST_REQUEST_MS);
    try {
      const answer = await echoed(socket, text);
      if (answer === text) return true;
      this.#failed(`${text} was answered "${answer.slice(0, 80)}"`);
    } catch (error) {
      this.#failed(`${text}: ${String(error)}`);
    } finally {
      clearTimeout(late);
    }
    return false;
  }

  #failed(reason: string): void {
    this.failures.push(`${new Date().toISOString()} ${reason}`);
  }
}

/** What comes back for a text, on a connection on which one asks at a time. */
function echoed(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('closed before any data came'));
    if (socket.destroyed) return closed();
    socket.once('close', closed);
    socket.once('data', (chunk: Buffer) => {
      socket.removeListener('close', closed);
      resolve(chunk.toString());
    });
    socket.write(text);
  });
}

const strict = (mode: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: shop }\nspec: { mtls: { mode: ${mode} } }`;
const allow = (from: string): string =>
  `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: callers, namespace: shop }\nspec: { selector: { matchLabels: { app: reviews } }, rules: [ { from: [ { source: ${from} } ] } ] }`;
const rule = (tls: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: reviews, namespace: shop }\nspec: { host: reviews, trafficPolicy: { tls: ${tls} } }`;

/** Each of these allows the load, so none may be noticed by it. */
const FLIPS: readonly string[] = [
  strict('STRICT'),
  allow('{ principals: [ cluster.local/ns/shop/sa/products ] }'),
  rule('{ mode: ISTIO_MUTUAL, sni: reviews }'),
  strict('PERMISSIVE'),
  allow('{ namespaces: [ shop ] }'),
  rule('{ mode: ISTIO_MUTUAL }'),
];

async function rotate(
  { plane }: Mesh,
  { rotateSeconds }: SoakOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    const accounts = ['reviews', 'products'].map((name) => account(name, 60 + (round % 2)));
    // while the control plane is away nobody renews
    await plane.apply(accounts.join('\n---\n')).catch(() => undefined);
    await sleep(rotateSeconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

async function flip(
  { plane }: Mesh,
  { flipSeconds }: SoakOptions,
  signal: AbortSignal,
): Promise<number> {
  let flips = 0;
  while (!signal.aborted) {
    // while the control plane is away nothing can be changed
    await plane.apply(FLIPS[flips % FLIPS.length] ?? '').then(
      () => {
        flips += 1;
      },
      () => undefined,
    );
    await sleep(flipSeconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
  return flips;
}

/** Kills it in the middle of the time, and starts it again a second later. */
async function restartControlPlane({ plane }: Mesh, seconds: number): Promise<number> {
  await sleep((seconds * 1_000) / 2);
  await plane.kill();
  await sleep(1_000);
  await plane.start();
  return 1;
}

async function watch(
  { sidecars, transports }: Mesh,
  load: SoakLoad,
  options: SoakOptions & { readonly signal: AbortSignal },
): Promise<Record<string, number[]>> {
  const { signal, progress, seconds } = options;
  const rssMb: Record<string, number[]> = {};
  const lookMs = Math.max(1_000, (seconds * 1_000) / 120);
  while (!signal.aborted) {
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    for (const sidecar of sidecars) {
      const status = await sidecar.status().catch(() => undefined);
      if (status === undefined) continue;
      const { serviceAccount } = status.workload;
      const looks = rssMb[serviceAccount] ?? [];
      looks.push(Math.round(status.rssBytes / 1_048_576));
      rssMb[serviceAccount] = looks;
      for (const { direction, transport } of status.connections) {
        if (direction === 'outbound') transports[transport] = (transports[transport] ?? 0) + 1;
      }
    }
    progress?.(
      `${load.requests} requests, ${load.opened} connections, ${load.failures.length} failures, RSS ${JSON.stringify(Object.fromEntries(Object.entries(rssMb).map(([name, values]) => [name, values.at(-1)])))}`,
    );
  }
  return rssMb;
}

/** How much larger the middle value of the last third is than that of the second third, in MB. */
export function growthMb(values: readonly number[]): number {
  const third = Math.floor(values.length / 3);
  const middle = (part: readonly number[]): number =>
    part.toSorted((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
  return middle(values.slice(2 * third)) - middle(values.slice(third, 2 * third));
}
