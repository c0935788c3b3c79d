import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hauberk } from '../kit/hauberk.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-authz-'));
const policies = join(directory, 'policies.yaml');
writeFileSync(
  policies,
  `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers, namespace: shop}
spec: {rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: [GET]}}]}]}
`,
);
const check = (...args: string[]) => hauberk(['authz', 'check', '-f', policies, ...args]);
const call = ['--from', 'shop/a', '--to', 'shop/b:80'];

it.each<[string[], number]>([
  [[...call, '--method', 'GET'], 0],
  [[...call, '--method', 'POST'], 1],
  [['--from', 'shop/a'], 2],
  [['--from', 'a', '--to', 'shop/b'], 2],
  [['--to', 'b'], 2],
  [[...call, '--header', 'x'], 2],
  [[...call, '--jwt', '{'], 2],
  [[...call, '--ip', 'x'], 2],
  [[...call, '--to', 'shop/b:99999'], 2],
  [['--request', join(directory, 'missing.json')], 2],
  [[...call, '-f', join(directory, 'missing.yaml')], 2],
])('ends with the code of its answer: %j', async (args, code) => {
  const { stderr, ...result } = await check(...args);
  expect(result.code, stderr).toBe(code);
  if (code === 2) expect(stderr).toMatch(/^(?:hauberk|error): .+\n$/);
});

it('answers one line of JSON for each of many requests', async () => {
  const request = (method: string) => ({
    source: { principal: 'cluster.local/ns/shop/sa/a', namespace: 'shop', labels: { app: 'a' } },
    destination: { namespace: 'shop', labels: { app: 'b' }, port: 80, protocol: 'HTTP' },
    http: { method, path: '/', host: 'b', headers: { a: 'b' } },
  });
  const { code, stdout } = await hauberk(['authz', 'check', '-f', policies, '--request', '-'], {
    stdin: JSON.stringify([request('GET'), request('POST')]),
  });
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(answers).toMatchObject([
    { verdict: 'allow', status: 200, action: 'ALLOW', policy: 'shop/readers', rule: 0 },
    { verdict: 'deny', status: 403, policy: null, trace: [{ policy: 'shop/readers', rule: 0 }] },
  ]);
  expect(code).toBe(1);
});
