import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import { until } from '../../src/app/demo/until.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { startApp, type TestApp } from '../kit/proxy-pair.ts';
import { sidecarProcess } from '../kit/sidecar-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-sidecar-kind-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let outside: TestApp;
let proxyPort: number;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  outside = await startApp(createServer((_, response) => response.end('from outside')));
  const [port = 0, hbonePort = 0] = await freePorts(2);
  proxyPort = port;
  await sidecarProcess({
    ...{ group, plane, directory, name: 'products', hbonePort },
    args: [
      ...['--http-proxy', `127.0.0.1:${port}`, '--concurrency', '2'],
      ...['--metrics', 'off', '--readiness', 'off'],
    ],
  });
});
afterAll(async () => {
  await group.stop();
  await outside[Symbol.asyncDispose]();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

/** As a program with HTTP_PROXY would ask for it. */
function get(): Promise<{ status: number | undefined; body: string }> {
  const path = `http://127.0.0.1:${outside.address.port}/`;
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: proxyPort, path, agent: false },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode, body }));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const SIDECAR = `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: shop }
spec:
  outboundTrafficPolicy: { mode: REGISTRY_ONLY }
  inboundConnectionPool: { tcp: { maxConnections: 1 } }
`;

it('a Sidecar closes the way out of the mesh, live, and its end opens it again', async () => {
  expect(await get()).toEqual({ status: 200, body: 'from outside' });
  const env = { KUBECONFIG: plane.kubeconfig };
  const applied = await hauberk(['apply', '-f', '-'], { env, stdin: SIDECAR });
  expect(applied.code).toBe(0);
  expect(applied.stderr).toContain('spec.inboundConnectionPool: has no effect');
  const refused = await until('it is refused', async () => {
    const answer = await get();
    return answer.status === 403 && answer;
  });
  expect(refused.body).toMatch(
    /is no service of the mesh, and outboundTrafficPolicy is REGISTRY_ONLY \(Sidecar shop\/default holds\)/,
  );
  await plane.operator.delete('sidecar', { name: 'default', namespace: 'shop' });
  await until('it is let through again', async () => (await get()).status === 200);
});
