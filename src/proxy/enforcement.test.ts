import { expect, it } from 'vitest';
import { WatchableValue } from '../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../policy/mesh-facts.ts';
import { defaultMeshSettings } from '../policy/mesh-settings.ts';
import type { Workload } from '../policy/workload.ts';
import { Enforcement } from './enforcement.ts';

const settings = { current: defaultMeshSettings };
const unlabelled: Workload = {
  namespace: 'shop',
  name: 'reviews-1',
  labels: {},
  serviceAccount: 'reviews',
};
const selector = { matchLabels: { app: 'reviews' } };
const metadata = { name: 'for-reviews', namespace: 'shop' };
const facts: MeshFacts = {
  ...noFacts,
  authorizationPolicies: [
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata,
      spec: { selector },
    },
  ],
  peerAuthentications: [
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata,
      spec: { selector, mtls: { mode: 'STRICT' } },
    },
  ],
};
const caller = {
  mutualTls: true,
  facts: {
    principal: 'cluster.local/ns/shop/sa/products',
    sourceIp: '10.0.0.1',
    destinationIp: '10.0.0.2',
    destinationPort: 8080,
  },
};

it('follows the labels of the workload: policies select it from the moment that it wears them', () => {
  const workload = new WatchableValue(unlabelled);
  const enforcement = new Enforcement({ workload, settings, facts: new WatchableValue(facts) });
  let rechecks = 0;
  enforcement.onChange(() => {
    rechecks += 1;
  });
  expect(enforcement.judge(caller).allowed).toBe(true);
  expect(enforcement.mode(8080).mode).toBe('PERMISSIVE');
  workload.set({ ...unlabelled, labels: { app: 'reviews' } });
  expect(rechecks).toBe(1);
  expect(enforcement.judge(caller)).toMatchObject({ allowed: false, reason: 'authorization' });
  expect(enforcement.mode(8080).mode).toBe('STRICT');
});

it('listens to nothing after it was stopped', () => {
  const workload = new WatchableValue(unlabelled);
  const followed = new WatchableValue(facts);
  const enforcement = new Enforcement({ workload, settings, facts: followed });
  enforcement.stop();
  const { generation } = enforcement;
  workload.set({ ...unlabelled, labels: { app: 'reviews' } });
  followed.set(noFacts);
  expect(enforcement.generation).toBe(generation);
});
