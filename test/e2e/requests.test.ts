import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup, type StartedProcess } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { rawGet } from '../kit/http-client.ts';
import { startApp, type TestApp } from '../kit/proxy-pair.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const REVIEWS = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  selector: { app: reviews }
  ports: [{ name: http, port: 80, targetPort: http }]
`;
const readers = (paths: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: readers, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  rules:
    - from: [{ source: { serviceAccounts: [products] } }]
      to: [{ operation: { methods: [GET], paths: [${paths}] } }]
`;
const PRODUCTS = 'cluster.local/ns/shop/sa/products';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-requests-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let app: TestApp;
let out: number;
let port: number;
let reviews: StartedProcess;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(`${SHOP}---${REVIEWS}---${readers('/api/*')}`);
  app = await startApp(createServer((_request, response) => response.end('fine')));
  const [inbound = 0, outbound = 0, hboneIn = 0, hboneOut = 0] = await freePorts(4);
  [port, out] = [inbound, outbound];
  const quiet = ['--metrics', 'off', '--readiness', 'off'];
  const callee = await sidecarProcess({
    ...{ group, plane, directory, name: 'reviews', hbonePort: hboneIn },
    args: ['--inbound', `http:127.0.0.1:${inbound}=127.0.0.1:${app.address.port}`, ...quiet],
  });
  reviews = callee.process;
  const caller = await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort: hboneOut },
    args: ['--outbound', `127.0.0.1:${outbound}=reviews.shop.svc.cluster.local:80`, ...quiet],
  });
  await until('the caller knows the callee', async () => {
    const { facts } = await caller.status();
    return facts.workloadEntries >= 2 && facts.services >= 1;
  });
});
afterAll(async () => {
  await group.stop();
  await app[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...args: string[]) => hauberk([...args, '--data-dir', plane.dataDir]);
const get = (path: string, id: string) =>
  rawGet({ host: '127.0.0.1', port: out }, path, `x-request-id: ${id}\r\n`);
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

/** What is said of a request, once the sidecar has told of it. */
function explained(...args: readonly string[]): Promise<string> {
  return until(`${args[0]} is known`, async () => {
    const { code, stdout } = await run('authz', 'explain', ...args);
    return code === 0 && stdout;
  });
}

it('explains each refused request by its id from the access log, not the last of its kind alone', async () => {
  for (const n of [1, 2, 3]) expect((await get(`/users/${n}?key=k`, `id-${n}`)).status).toBe(403);
  const logged = await until('the access log to have it', async () =>
    reviews
      .log()
      .split('\n')
      .slice(0, -1)
      .find((line) => line.includes('request denied')),
  );
  const { requestId } = JSON.parse(logged) as { readonly requestId: string };
  expect(requestId).toBe('id-1');
  const stdout = await explained(requestId);
  const missed =
    'denied, no ALLOW rule matches: AuthorizationPolicy shop/readers rule[0]: paths ["/api/*"] do not match "/users/1"';
  expect(stdout).toContain(
    `${PRODUCTS} from 127.0.0.1 -> shop/reviews-1:${port} GET /users/1 (Host reviews), 403 at `,
  );
  expect(stdout).toContain(`refused then: ${missed}`);
  expect(stdout).toContain(`now: DENIED (403): ${missed}`);
  expect(stdout).not.toContain('key=k');
});

it('explains what would become of it now', async () => {
  await plane.apply(readers('/api/*, /users/2'));
  expect(JSON.parse(await explained('id-2', '-o', 'json'))).toMatchObject({
    denial: { requestId: 'id-2', path: '/users/2', status: 403, workload: 'reviews-1' },
    now: { verdict: 'allow', policy: 'shop/readers', rule: 0 },
  });
  await plane.apply(readers('/api/*'));
});

it('explains a request that was let through, the last of its kind', async () => {
  expect((await get('/api/list', 'id-ok')).text).toContain('fine');
  expect(await explained('id-ok')).toContain(
    'let through then: AuthorizationPolicy shop/readers rule[0]: allowed',
  );
});

it('says before it is applied which requests a change would refuse, and which it would let through', async () => {
  const change = file('change.yaml', readers('/api/products, /users/*'));
  const planned = await run('plan', '-f', change, '-o', 'json');
  expect(planned.code, planned.stderr).toBe(1);
  expect(JSON.parse(planned.stdout)).toMatchObject({
    refused: [
      {
        call: { principal: PRODUCTS, http: { method: 'GET', path: '/api/list' } },
        after: { verdict: 'deny' },
      },
    ],
    allowed: [{ call: { http: { path: '/users/{*}' }, count: 3 } }],
  });
  const good = file('good.yaml', readers('/api/*, "/users/{*}"'));
  expect(await run('plan', '-f', good)).toMatchObject({ code: 0 });
});
