import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { callAdmin } from '../src/app/admin-client.ts';
import { operatorOf } from '../test/kit/operator.ts';
import type { FleetOrder, FleetState } from './fleet-agents.ts';

/**
 * A fleet of agents on one control plane: what each costs it, and how long they take to be back after
 * it was killed. All of them and the control plane share this machine's cores.
 */
const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '2000' },
    /** Policies and services that every agent is sent, besides one WorkloadEntry for each agent. */
    facts: { type: 'string', default: '100' },
    'outage-seconds': { type: 'string', default: '5' },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});
const agents = Number(values.agents);
const facts = Number(values.facts);
const NAMESPACES = 20;
const KIB_PER_MIB = 1024;
const POLL_MS = 50;
/** One thread for all agents would be busier than the control plane that is measured. */
const PROCESSES = 8;
let saidMs = 0;

const dataDir = mkdtempSync(join(tmpdir(), 'hauberk-fleet-'));
const port = await freePort();
let plane = await startControlPlane();
const fleet = Array.from({ length: PROCESSES }, () =>
  fork(join(import.meta.dirname, 'fleet-agents.ts')),
);
const states: FleetState[] = [];
for (const [n, process] of fleet.entries()) {
  process.on('message', (message: FleetState) => {
    states[n] = message;
  });
}

try {
  await operatorOf(dataDir).apply(manifest());
  await say('enrolling');
  const emptyMb = residentMb(plane.child);
  for (const [n, process] of fleet.entries()) {
    const from = Math.floor((n * agents) / PROCESSES);
    const count = Math.floor(((n + 1) * agents) / PROCESSES) - from;
    const order: FleetOrder = { port, from, agents: count, tokens: await tokens() };
    process.send(order);
  }
  await until('enrolling', () => sum('enrolled') === agents);
  const joining = performance.now();
  for (const process of fleet) process.send('join');
  await until('joining', () => sum('synced') === agents);
  const joinSeconds = seconds(joining);
  await quiet();
  const joined = { resources: sum('resources') };
  const fullMb = residentMb(plane.child);

  plane.child.kill('SIGKILL');
  await until('cut off', () => sum('synced') === 0);
  await sleep(Number(values['outage-seconds']) * 1_000);
  for (const process of fleet) process.send('forget');
  await sleep(500);
  const started = performance.now();
  plane = await startControlPlane();
  const readySeconds = seconds(started);
  const half = await until('coming back', () => sum('synced') >= agents / 2, started);
  const all = await until('coming back', () => sum('synced') === agents, started);
  await quiet();
  const connected = await connectedAgents();
  const report = {
    agents,
    join: { seconds: round(joinSeconds), resources: joined.resources },
    memory: {
      emptyMb: round(emptyMb),
      withAgentsMb: round(fullMb),
      per1000AgentsMb: round(((fullMb - emptyMb) * 1_000) / agents),
      afterStormMb: round(residentMb(plane.child)),
    },
    storm: {
      outageSeconds: Number(values['outage-seconds']),
      readySeconds: round(readySeconds),
      halfBackSeconds: round(half),
      allBackSeconds: round(all),
      servedTwice: sum('twice'),
      connected,
      resourcesSentAgain: sum('resources'),
      controlPlaneCpuSeconds: round(cpuSeconds(plane.child)),
    },
  };
  console.log(values.output === 'json' ? JSON.stringify(report, null, 2) : text(report));
} finally {
  for (const process of fleet) process.kill('SIGKILL');
  plane.child.kill('SIGTERM');
  await once(plane.child, 'exit');
  rmSync(dataDir, { recursive: true, force: true });
}

function text(report: object): string {
  return Object.entries(report)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n');
}

async function startControlPlane(): Promise<{ readonly child: ChildProcess }> {
  const program = join(import.meta.dirname, '../bin/hauberk');
  const listen = `127.0.0.1:${port}`;
  const args = [program, 'up', '--data-dir', dataDir, '--xds', listen, '-o', 'json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === '}') {
      child.stdout.resume();
      return { child };
    }
  }
  throw new Error('the control plane did not start');
}

function manifest(): string {
  const namespaces = Array.from({ length: NAMESPACES }, (_, n) => `team-${n}`);
  const owned = namespaces.flatMap((name) => [
    `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }`,
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: app, namespace: ${name} }`,
  ]);
  const shared = Array.from({ length: facts }, (_, n) =>
    n % 2 === 0
      ? `apiVersion: v1\nkind: Service\nmetadata: { name: s-${n}, namespace: team-${n % NAMESPACES} }\nspec: { selector: { app: s-${n} }, ports: [{ name: http, port: 8080 }] }`
      : `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: p-${n}, namespace: istio-system }\nspec: { action: DENY, rules: [{ from: [{ source: { namespaces: [evil-${n}] } }] }] }`,
  );
  return [...owned, ...shared].join('\n---\n');
}

async function tokens(): Promise<string[]> {
  const all: string[] = [];
  for (let n = 0; n < Math.min(NAMESPACES, agents); n++) {
    all.push(await operatorOf(dataDir).enrolmentToken(`team-${n}`, 'app'));
  }
  return all;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function connectedAgents(): Promise<number> {
  const request = { method: 'GET', path: '/v1/status' } as const;
  const { agents: list } = await callAdmin<{ agents: readonly object[] }>(dataDir, request);
  return list.length;
}

/** Polls until `done`; resolves to the seconds since `since`. */
async function until(
  doing: string,
  done: () => boolean,
  since = performance.now(),
): Promise<number> {
  while (!done()) {
    if (fleet.some(({ exitCode }) => exitCode !== null))
      throw new Error(`the fleet ended while ${doing}`);
    await say(doing);
    await sleep(POLL_MS);
  }
  return seconds(since);
}

/** Until nothing more arrives: late changes of the others' WorkloadEntries. */
async function quiet(): Promise<void> {
  let before = -1;
  while (before !== sum('resources')) {
    before = sum('resources');
    await sleep(2_000);
  }
}

async function say(doing: string): Promise<void> {
  if (performance.now() - saidMs < 2_000) return;
  saidMs = performance.now();
  const { synced, waiting, resources } = {
    synced: sum('synced'),
    waiting: sum('waiting'),
    resources: sum('resources'),
  };
  const reasons = JSON.stringify(states.map((state) => state?.reasons));
  process.stderr.write(
    `${doing}: ${synced} in sync, ${waiting} waiting, ${resources} resources ${reasons}\n`,
  );
}

function sum(field: 'enrolled' | 'synced' | 'waiting' | 'twice' | 'resources'): number {
  return states.reduce((total, state) => total + (state?.[field] ?? 0), 0);
}

function residentMb({ pid }: ChildProcess): number {
  const [, kib = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / KIB_PER_MIB;
}

function cpuSeconds({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function seconds(since: number): number {
  return (performance.now() - since) / 1_000;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
