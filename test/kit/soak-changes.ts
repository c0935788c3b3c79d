import { setTimeout as sleep } from 'node:timers/promises';
import { crashWorker } from './crash-worker.ts';
import type { SoakLoad } from './soak-load.ts';
import type { SoakMesh, SoakSidecar } from './soak-mesh.ts';

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

/** Has all certificates renewed again and again. */
export async function rotate(
  { plane }: SoakMesh,
  everySeconds: number,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    const accounts = ['reviews', 'products'].map((name) => account(name, 60 + (round % 2)));
    // While the control plane is away nobody renews.
    await plane.apply(accounts.join('\n---\n')).catch(() => undefined);
    await pause(everySeconds, signal);
  }
}

/** Changes policies again and again, and gives how often. */
export async function flip(
  { plane }: SoakMesh,
  everySeconds: number,
  signal: AbortSignal,
): Promise<number> {
  let flips = 0;
  while (!signal.aborted) {
    // While the control plane is away nothing can be changed.
    await plane.apply(FLIPS[flips % FLIPS.length] ?? '').then(
      () => {
        flips += 1;
      },
      () => undefined,
    );
    await pause(everySeconds, signal);
  }
  return flips;
}

/** What broke on purpose. */
export interface Breakages {
  readonly controlPlaneRestarts: number;
  readonly workerCrashes: number;
  /** How many connections the sidecars themselves say their crashed workers had. */
  readonly connectionsOfCrashedWorkers: number;
}

/**
 * At even distances of the time: the control plane is told to stop and started again, a worker of the
 * called sidecar crashes, the control plane is killed and started again, a worker of the caller crashes.
 */
export async function breakThings(
  { plane, sidecars }: SoakMesh,
  load: SoakLoad,
  seconds: number,
): Promise<Breakages> {
  let connectionsOfCrashedWorkers = 0;
  const away = async (): Promise<void> => {
    await sleep(1_000);
    await plane.start();
  };
  const steps = [
    async () => {
      await plane.stop();
      await away();
    },
    async () => {
      connectionsOfCrashedWorkers += await crash(sidecars[0], load);
    },
    async () => {
      await plane.kill();
      await away();
    },
    async () => {
      connectionsOfCrashedWorkers += await crash(sidecars[1], load);
    },
  ];
  for (const step of steps) {
    await sleep((seconds * 1_000) / (steps.length + 1));
    await step();
  }
  return { controlPlaneRestarts: 2, workerCrashes: 2, connectionsOfCrashedWorkers };
}

/** Gives how many connections the sidecar says were lost, once the worker serves again. */
async function crash(sidecar: SoakSidecar | undefined, load: SoakLoad): Promise<number> {
  if (sidecar === undefined) return 0;
  const before = crashesOf(sidecar).length;
  await load.duringCrash(async () => {
    await crashWorker(sidecar.debuggable);
    for (let tries = 0; tries < 600; tries += 1) {
      const [ended] = crashesOf(sidecar).slice(before);
      // Asked after it ended: what was asked before may say that all serve still.
      const { workers } = await sidecar.status();
      if (ended !== undefined && workers.every(({ serving }) => serving)) return ended.atMs;
      await sleep(50);
    }
    throw new Error(`the worker of ${sidecar.name} did not come back: ${sidecar.process.log()}`);
  });
  return crashesOf(sidecar)
    .slice(before)
    .reduce((sum, { lost }) => sum + lost, 0);
}

/** The crashes that are in its log. */
function crashesOf({
  process: { log },
}: SoakSidecar): readonly { readonly atMs: number; readonly lost: number }[] {
  return log()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"connectionsLost"'))
    .map((line) => JSON.parse(line) as { readonly time: string; readonly connectionsLost: number })
    .map(({ time, connectionsLost }) => ({ atMs: Date.parse(time), lost: connectionsLost }));
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1_000, undefined, { signal }).catch(() => undefined);
}
