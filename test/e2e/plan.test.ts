import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { ask, dial, echoServer, startApp, type TestApp } from '../kit/proxy-pair.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const REVIEWS = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  selector: { app: reviews }
  ports: [{ name: tcp, port: 80, targetPort: tcp }]
`;
const PRODUCTS = 'cluster.local/ns/shop/sa/products';
const only = (account: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: reviews-callers, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  rules: [{ from: [{ source: { serviceAccounts: [${account}] } }] }]
`;

const directory = mkdtempSync(join(tmpdir(), 'hauberk-plan-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let app: TestApp;
let port: number;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(`${SHOP}---${REVIEWS}`);
  app = await startApp(echoServer());
  const [inbound = 0, out = 0, hboneIn = 0, hboneOut = 0] = await freePorts(4);
  port = inbound;
  const quiet = ['--metrics', 'off', '--readiness', 'off'];
  await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort: hboneIn },
    args: ['--inbound', `tcp:127.0.0.1:${inbound}=127.0.0.1:${app.address.port}`, ...quiet],
  });
  const caller = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort: hboneOut },
    args: ['--outbound', `127.0.0.1:${out}=reviews.shop.svc.cluster.local:80`, ...quiet],
  });
  await until('the caller knows the callee', async () => {
    const { facts } = await caller.status();
    return facts.workloadEntries >= 2 && facts.services >= 1;
  });
  const socket = await dial({ host: '127.0.0.1', port: out });
  await ask(socket, 'hello');
  socket.destroy();
});
afterAll(async () => {
  await group.stop();
  await app[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => hauberk([...args, '--data-dir', plane.dataDir]);
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

it('remembers a call, and says which change would refuse it before anything is applied', async () => {
  const breaking = file('breaking.yaml', only('frontend'));
  await until('the call is told to the control plane', async () => {
    const { stdout } = await run('plan', '-f', breaking);
    return !stdout.includes('has seen no calls');
  });
  const refused = await run('plan', '-f', breaking);
  expect(refused.code, refused.stderr).toBe(1);
  expect(refused.stdout).toMatch(/^1 of 1 kinds of calls that the mesh has seen would be refused:/);
  expect(refused.stdout).toContain(`${PRODUCTS} -> shop/reviews-1:${port}, once, last `);
  expect(refused.stdout).toContain(
    'AuthorizationPolicy shop/reviews-callers rule[0]: serviceAccounts ["frontend"] do not match',
  );
  const { code, stdout } = await run(
    'plan',
    '-f',
    file('good.yaml', only('products')),
    '-o',
    'json',
  );
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, refused: [], calls: 1 });
});

it('suggests a policy that refuses nobody who was seen', async () => {
  const { code, stdout } = await run('suggest', '-n', 'shop');
  expect(code).toBe(0);
  expect(stdout).toContain(`- ${PRODUCTS}`);
  const planned = await run('plan', '-f', file('suggested.yaml', stdout));
  expect(planned, planned.stderr).toMatchObject({ code: 0 });
});

it('describes the workload, with its policies, its callers and its certificate', async () => {
  await plane.apply(only('products'));
  const { code, stdout, stderr } = await run('describe', 'workload', 'shop/reviews');
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/Certificate: +[0-9a-f]+, until 20/);
  expect(stdout).toContain(`${port}: mutual TLS PERMISSIVE, nobody says otherwise`);
  expect(stdout).toContain('ALLOW shop/reviews-callers, 1 rule');
  expect(stdout).toContain(`${PRODUCTS} -> shop/reviews-1:${port}`);
  expect((await run('describe', 'workload', 'shop/nobody')).code).toBe(1);
});

it('answers about the mesh that runs', async () => {
  const to = ['--to', `shop/reviews:${port}`];
  expect((await run('authz', 'check', '--from', 'shop/products', ...to)).code).toBe(0);
  expect((await run('authz', 'check', '--from', 'shop/frontend', ...to)).code).toBe(1);
  expect((await run('authz', 'explain', 'no-such-request')).code).toBe(1);
  const analyzed = await run('analyze', '-o', 'json');
  expect(analyzed.code, analyzed.stdout).toBe(0);
  expect(JSON.parse(analyzed.stdout)).toEqual([]);
});
