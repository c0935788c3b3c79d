import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import type { Address } from '../../src/proxy/address.ts';
import { controlPlaneRig, SHOP } from './control-plane-rig.ts';
import { freePorts } from './free-ports.ts';
import { ask, dial, echoServer, LOOPBACK, startApp } from './proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from './sidecar-process.ts';

export interface UpgradeOptions {
  /** Empty; logs and state go there. */
  readonly directory: string;
  /** How often each of the two sidecars is replaced. */
  readonly upgrades: number;
  /** Workers of the successive generations, again and again. */
  readonly workers: readonly number[];
  /** Who open connections as fast as they can, half of them through both sidecars. */
  readonly clients: number;
  readonly progress?: (line: string) => void;
}

export interface UpgradeReport {
  /** Connections that were opened, each for one request. */
  readonly opened: number;
  readonly failures: readonly string[];
  /** Processes that served, the first ones included. */
  readonly generations: number;
}

/**
 * Replaces both sidecars of a mesh of processes by successors on the same state directory, while clients
 * open connections to both as fast as they can.
 */
export async function upgradeUnderLoad(options: UpgradeOptions): Promise<UpgradeReport> {
  const { directory, upgrades, workers, clients, progress } = options;
  const group = new ProcessGroup(directory);
  const plane = await controlPlaneRig();
  const app = await startApp(echoServer());
  try {
    const [inbound = 0, outbound = 0, hboneIn = 0, hboneOut = 0] = await freePorts(4);
    await plane.apply(
      `${SHOP}---\napiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${inbound} } ] }`,
    );
    const start = async (generation: number): Promise<readonly SidecarProcess[]> => {
      const common = { group, plane, directory };
      const count = String(workers[generation % workers.length] ?? 1);
      const off = ['--metrics', 'off', '--readiness', 'off', '--concurrency', count];
      const reviews = await sidecarProcess({
        ...{ ...common, name: 'reviews', hbonePort: hboneIn },
        args: [...off, '--inbound', `tcp:${LOOPBACK}:${inbound}=${LOOPBACK}:${app.address.port}`],
      });
      const products = await sidecarProcess({
        ...{ ...common, name: 'products', hbonePort: hboneOut },
        args: [...off, '--outbound', `${LOOPBACK}:${outbound}=reviews.shop:80`],
      });
      return [reviews, products];
    };
    let present = await start(0);
    const served = new Set(present.map(({ process }) => process.pid));
    const entrances: readonly Address[] = [outbound, inbound].map((port) => ({
      host: LOOPBACK,
      port,
    }));
    await until('the mesh answers', async () => (await failureOf(entrances[0])) === undefined);
    const load = { opened: 0, failures: [] as string[] };
    const stop = new AbortController();
    const running = Array.from({ length: clients }, async (_, client) => {
      while (!stop.signal.aborted) {
        load.opened += 1;
        const entrance = entrances[client % entrances.length];
        const failure = await failureOf(entrance);
        if (failure === undefined) continue;
        load.failures.push(`${new Date().toISOString()} port ${entrance?.port}: ${failure}`);
      }
    });
    for (let generation = 1; generation <= upgrades; generation += 1) {
      const before = present;
      present = await start(generation);
      for (const { process } of present) served.add(process.pid);
      await Promise.all(before.map(({ process }) => process.exited));
      progress?.(`${generation} upgrades, ${load.opened} opened, ${load.failures.length} failed`);
    }
    stop.abort();
    await Promise.all(running);
    return { ...load, generations: served.size };
  } finally {
    await group.stop();
    await app[Symbol.asyncDispose]();
    await plane.close();
  }
}

/** Of one connection with one request; undefined when it went well. */
async function failureOf(
  entrance: Address = { host: LOOPBACK, port: 0 },
): Promise<string | undefined> {
  try {
    const socket = await dial(entrance);
    socket.once('end', () => socket.destroy());
    const answer = await ask(socket, 'hello');
    socket.destroy();
    return answer === 'hello' ? undefined : `answered "${answer.slice(0, 80)}"`;
  } catch (error) {
    return String(error);
  }
}
