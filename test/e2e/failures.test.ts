import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import { lockFile } from '../../src/lib/file-lock.ts';
import { lockHolder } from '../../src/lib/lock-holder.ts';
import type { Address } from '../../src/proxy/address.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { ask, dial, echoServer, readToEnd, startApp, type TestApp } from '../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-failures-'));
const group = new ProcessGroup(directory);
const binary = fileURLToPath(new URL('../../bin/hauberk', import.meta.url));
const OFF = ['--metrics', 'off', '--readiness', 'off'];
let plane: ControlPlaneRig;
let app: TestApp;
let reviews: SidecarProcess;
let products: SidecarProcess;
let inbound: number;
let outbound: Address;

beforeAll(async () => {
  plane = await controlPlaneRig();
  app = await startApp(echoServer());
  const [workload = 0, entrance = 0, hbone = 0] = await freePorts(3);
  inbound = workload;
  outbound = { host: '127.0.0.1', port: entrance };
  await plane.apply(
    `${SHOP}---\napiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${workload} } ] }`,
  );
  reviews = await sidecarProcess({
    // Any port will do, and peers are told which it became.
    ...{ group, plane, directory, name: 'reviews', hbonePort: 0 },
    args: [...OFF, '--inbound', `tcp:127.0.0.1:${workload}=127.0.0.1:${app.address.port}`],
  });
  products = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort: hbone },
    args: [...OFF, '--outbound', `127.0.0.1:${entrance}=reviews.shop:80`],
  });
  await until('the mesh answers', () => answers(outbound));
}, 120_000);
afterAll(async () => {
  await group.stop();
  await app[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

async function answers(address: Address): Promise<boolean> {
  try {
    const socket = await dial(address);
    socket.once('end', () => socket.destroy());
    const answer = await ask(socket, 'hello');
    socket.destroy();
    return answer === 'hello';
  } catch {
    return false;
  }
}

/** Lines of a log that have these words in them. */
function linesOf({ process: { log } }: SidecarProcess, words: string): readonly string[] {
  return log()
    .split('\n')
    .filter((line) => line.includes(words));
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

it('tells peers the HBONE port that it got where any would do', async () => {
  const [connection] = (await openOne()).records;
  expect(connection).toMatchObject({ transport: 'hbone' });
  expect(linesOf(reviews, 'cannot be used')).toEqual([]);
});

async function openOne() {
  const socket = await dial(outbound);
  await ask(socket, 'hello');
  const { connections } = await products.status();
  socket.destroy();
  return { records: connections };
}

it('is refused on ports that another sidecar has, in one sentence, and the other one goes on', async () => {
  const stateDir = join(directory, 'second');
  mkdirSync(stateDir, { mode: 0o700 });
  const tokenFile = join(stateDir, 'token');
  writeFileSync(tokenFile, await plane.createToken('shop', 'reviews'), { mode: 0o600 });
  for (const concurrency of ['1', '2']) {
    const { code, stderr } = await hauberk([
      ...['sidecar', '--control-plane', `127.0.0.1:${plane.xdsPort}`, '--token-file', tokenFile],
      ...['--state-dir', stateDir, '--name', 'reviews-2', '--hbone', '127.0.0.1:0', ...OFF],
      ...['--inbound', `tcp:127.0.0.1:${inbound}=127.0.0.1:${app.address.port}`],
      ...['--concurrency', concurrency],
    ]);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining(
        `cannot listen on 127.0.0.1:${inbound} for connections to the application on port ${app.address.port}: another process has the port; stop it or choose another port`,
      ),
    ]);
    expect(code).toBe(1);
    // A new token for the next try: the first one is spent.
    writeFileSync(tokenFile, await plane.createToken('shop', 'reviews'), { mode: 0o600 });
  }
  expect(await answers({ host: '127.0.0.1', port: inbound })).toBe(true);
});

it('refuses a second one that starts on a state directory where another is just starting, until that is gone', async () => {
  const stateDir = join(directory, 'twins');
  mkdirSync(stateDir, { mode: 0o700 });
  const tokenFile = join(stateDir, 'token');
  writeFileSync(tokenFile, await plane.createToken('shop', 'reviews'), { mode: 0o600 });
  const [nobodyThere = 0] = await freePorts(1);
  const argsFor = (controlPlane: number): string[] => [
    ...['sidecar', '--control-plane', `127.0.0.1:${controlPlane}`, '--token-file', tokenFile],
    ...['--state-dir', stateDir, '--name', 'reviews-2', '--hbone', '127.0.0.1:0', ...OFF],
  ];
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
  const first = group.start({ name: 'twin', args: [binary, ...argsFor(nobodyThere)], env });
  const lock = join(stateDir, 'start.lock');
  await until('the first one is starting', async () => {
    return existsSync(lock) && lockHolder(statSync(lock, { bigint: true }), 'FLOCK') === first.pid;
  });
  const second = await hauberk(argsFor(plane.xdsPort));
  expect(second.stderr).toBe(
    `hauberk: process ${first.pid} is just starting a sidecar on the state directory "${stateDir}"; let it, and take over from it when it is ready, or give this one its own --state-dir\n`,
  );
  expect(second.code).toBe(1);
  first.kill('SIGKILL');
  await first.exited;
  const third = group.start({ name: 'twin-2', args: [binary, ...argsFor(plane.xdsPort)], env });
  await until('the next one serves', async () => {
    const status = await readStatus(stateDir).catch(() => undefined);
    return status?.pid === third.pid;
  });
  third.kill('SIGTERM');
  await third.exited;
});

it('lets only one at a time take over, and the one that runs goes on', async () => {
  const stateDir = join(directory, 'products');
  const taking = lockFile(join(stateDir, 'start.lock'));
  if (!('release' in taking)) throw new Error('a sidecar that serves holds the lock');
  const { code, stderr } = await hauberk([
    ...['sidecar', '--control-plane', `127.0.0.1:${plane.xdsPort}`, '--state-dir', stateDir],
    ...['--name', 'products-1', '--hbone', '127.0.0.1:0', ...OFF],
  ]);
  taking.release();
  expect(stderr).toMatch(`process ${process.pid} is just starting a sidecar`);
  expect(code).toBe(1);
  expect((await products.status()).pid).toBe(products.process.pid);
  expect(await answers(outbound)).toBe(true);
});

it('goes on when file descriptors run out, says so, and accepts again', async () => {
  const { pid } = products.process;
  expect(await answers(outbound)).toBe(true);
  const before = socketsOf(pid);
  const limit = (soft: number): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`]);
  };
  const kept = await dial(outbound);
  expect(await ask(kept, 'hello')).toBe('hello');
  const crowd: Socket[] = [];
  try {
    limit(before + 30);
    await until('it has noticed, and said so', async () => {
      const socket = await dial(outbound);
      crowd.push(socket);
      return linesOf(products, 'file descriptors').length > 0;
    });
    const [line = ''] = linesOf(products, 'file descriptors');
    expect(JSON.parse(line)).toMatchObject({
      ...{ level: 'warn', msg: 'connection denied', direction: 'outbound', reason: 'limit' },
      ...{ decision: expect.stringContaining('raise the limit'), destination: outbound },
    });
    expect(await ask(kept, 'still here')).toBe('still here');
    // What it keeps for itself is enough to say how it is, and to make a session.
    expect((await products.status()).totals.connectionDenied).toBeGreaterThan(0);
    for (const socket of crowd) socket.destroy();
    await until('it accepts again', () => answers(outbound));
  } finally {
    limit(20_000);
  }
  expect(await ask(kept, 'here too')).toBe('here too');
  kept.destroy();
  await until('all sockets are closed', async () => socketsOf(pid) <= before + 2);
  // Once a second at most, however many came.
  expect(linesOf(products, 'file descriptors').length).toBeLessThan(crowd.length);
});

it('notices a peer that is there no more without a word, and resets what went to it', async () => {
  const socket = await dial(outbound);
  expect(await ask(socket, 'hello')).toBe('hello');
  reviews.process.kill('SIGSTOP');
  try {
    const ending = readToEnd(socket);
    socket.write('is anybody there?');
    // Who asks for another stream finds it out sooner than the pings of every 20 s.
    const other = await dial(outbound);
    expect((await ending).how).toBe('reset');
    const words = '"reason":"the peer answers no ping"';
    await until('it has said so', async () => linesOf(products, words).length > 0);
    const [line = ''] = linesOf(products, words);
    expect(JSON.parse(line)).toMatchObject({ msg: 'session closed', transport: 'hbone' });
    other.destroy();
  } finally {
    reviews.process.kill('SIGCONT');
  }
  await until('it is called again', () => answers(outbound));
}, 120_000);

it('stops accepting at SIGTERM, lets what is open go on, and cuts it at the deadline', async () => {
  const socket = await dial(outbound);
  expect(await ask(socket, 'hello')).toBe('hello');
  const ending = readToEnd(socket);
  products.process.kill('SIGTERM');
  await until('it is draining', async () => linesOf(products, '"msg":"draining"').length === 1);
  await until('nobody is let in', async () => !(await answers(outbound)));
  expect((await ending).how).toBe('reset');
  await products.process.exited;
  const closed = linesOf(products, 'drain-deadline').map((line) => JSON.parse(line));
  expect(closed).toMatchObject([{ direction: 'outbound', reason: 'drain-deadline' }]);
});
