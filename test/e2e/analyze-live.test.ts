import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { hauberk } from '../kit/hauberk.ts';

const INGRESS = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ingress, namespace: shop }
spec: { address: 127.0.0.1, serviceAccount: reviews, labels: { istio: ingress } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gw, namespace: shop }
spec:
  selector: { istio: ingress }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: shop-tls }
`;
const SECRET = `
apiVersion: v1
kind: Secret
metadata: { name: shop-tls, namespace: shop }
type: kubernetes.io/tls
data: { tls.crt: eA==, tls.key: eA== }
`;
const VIEWER = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reads-the-mesh }
rules:
  - { apiGroups: [install.istio.io], resources: ["*"], verbs: [get, list] }
  - { nonResourceURLs: [/hauberk/v1/status], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: joe-views }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: joe }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: joe-reads-the-mesh }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads-the-mesh }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: joe }]
`;

let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(`${SHOP}---${INGRESS}---${VIEWER}`);
});
afterAll(() => plane.close());

const analyze = (...args: string[]) =>
  hauberk(['analyze', '-o', 'json', ...args, '--data-dir', plane.dataDir]);
const missing = {
  code: 'IST0101',
  level: 'Error',
  origin: 'Gateway shop/gw',
  message: 'referenced credentialName not found: "shop-tls" in namespace shop',
};

it('looks for the certificate of a Gateway among the Secrets, by name only', async () => {
  const before = await analyze();
  expect(JSON.parse(before.stdout), before.stderr).toEqual([missing]);
  expect(before.code).toBe(1);
  await plane.apply(SECRET);
  const after = await analyze();
  expect(JSON.parse(after.stdout), after.stderr).toEqual([]);
  expect(after.code).toBe(0);
  expect(plane.requests()).not.toContain('eA==');
});

it('says nothing of certificates to who may not list Secrets, but that it cannot', async () => {
  const { stdout, stderr, code } = await analyze('--as', 'joe');
  expect(stderr).toContain('you may not list Secrets');
  expect(JSON.parse(stdout)).toEqual([]);
  expect(code).toBe(0);
});
