import {
  CoreV1Api as CoreApi,
  type CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  makeInformer,
  type V1ServiceAccount,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { eventually } from '../../kit/eventually.ts';

let plane: ControlPlaneRig;
let config: KubeConfig;
let core: CoreV1Api;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  config = new KubeConfig();
  config.loadFromFile(plane.kubeconfig);
  core = config.makeApiClient(CoreApi);
});
afterAll(() => plane.close());

it('follows a kind with an informer', async () => {
  const seen: string[] = [];
  const list = () => core.listNamespacedServiceAccount({ namespace: 'shop' });
  const informer = makeInformer(config, '/api/v1/namespaces/shop/serviceaccounts', list);
  const note = (what: string) => (account: V1ServiceAccount) =>
    seen.push(`${what} ${account.metadata?.name}`);
  informer.on('add', note('add'));
  informer.on('update', note('update'));
  informer.on('delete', note('delete'));
  await informer.start();
  await eventually('what is there', () => seen.includes('add reviews'));

  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'fresh' } };
  await core.createNamespacedServiceAccount({ namespace: 'shop', body });
  await eventually('it to be added', () => seen.includes('add fresh'));
  const labelled = { ...body, metadata: { name: 'fresh', labels: { a: 'b' } } };
  await core.replaceNamespacedServiceAccount({ namespace: 'shop', name: 'fresh', body: labelled });
  await eventually('it to change', () => seen.includes('update fresh'));
  await core.deleteNamespacedServiceAccount({ namespace: 'shop', name: 'fresh' });
  await eventually('it to go', () => seen.includes('delete fresh'));
  await informer.stop();
});

it('follows Pods and policies, across a restart of the control plane', async () => {
  const path = '/apis/security.istio.io/v1/namespaces/shop/peerauthentications';
  const custom = config.makeApiClient(CustomObjectsApi);
  const at = {
    ...{ group: 'security.istio.io', version: 'v1', namespace: 'shop' },
    plural: 'peerauthentications',
  };
  const seen: string[] = [];
  const list = () => custom.listNamespacedCustomObject(at);
  const policies = makeInformer<KubernetesObject>(config, path, list);
  policies.on('add', ({ metadata }) => seen.push(`add ${metadata?.name}`));
  policies.on('delete', ({ metadata }) => seen.push(`delete ${metadata?.name}`));
  const pods = makeInformer(config, '/api/v1/pods', () => core.listPodForAllNamespaces());
  pods.on('add', ({ metadata }) => seen.push(`pod ${metadata?.name}`));
  for (const informer of [policies, pods]) {
    informer.on('error', () => setTimeout(() => void informer.start(), 200));
    await informer.start();
  }
  await eventually('the control plane', () => seen.includes('pod istiod-0'));
  const body = {
    ...{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication' },
    ...{ metadata: { name: 'strict' }, spec: { mtls: { mode: 'STRICT' } } },
  };
  await custom.createNamespacedCustomObject({ ...at, body });
  await eventually('the policy', () => seen.includes('add strict'));
  const entry = {
    ...{ apiVersion: 'networking.istio.io/v1', kind: 'WorkloadEntry' },
    ...{ metadata: { name: 'vm' }, spec: { address: '10.0.0.9', serviceAccount: 'reviews' } },
  };
  await custom.createNamespacedCustomObject({
    ...{ group: 'networking.istio.io', version: 'v1', namespace: 'shop' },
    ...{ plural: 'workloadentries', body: entry },
  });
  await eventually('its Pod', () => seen.includes('pod vm'));

  const { dataDir, apiPort } = plane;
  await plane.stop();
  plane = await controlPlaneRig({ dataDir, apiPort });
  await custom.deleteNamespacedCustomObject({ ...at, name: 'strict' });
  await eventually('it to go', () => seen.includes('delete strict'));
  await policies.stop();
  await pods.stop();
});

it('reads refusals as Statuses', async () => {
  const asked = core.readNamespacedSecret({ namespace: 'shop', name: 'none' });
  await expect(asked).rejects.toMatchObject({ code: 404 });
});
