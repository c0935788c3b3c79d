import {
  CoreV1Api as CoreApi,
  type CoreV1Api,
  KubeConfig,
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
  await eventually('what is there', () => seen.includes('add reviews'), 15_000);

  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'fresh' } };
  await core.createNamespacedServiceAccount({ namespace: 'shop', body });
  await eventually('it to be added', () => seen.includes('add fresh'), 15_000);
  const labelled = { ...body, metadata: { name: 'fresh', labels: { a: 'b' } } };
  await core.replaceNamespacedServiceAccount({ namespace: 'shop', name: 'fresh', body: labelled });
  await eventually('it to change', () => seen.includes('update fresh'), 15_000);
  await core.deleteNamespacedServiceAccount({ namespace: 'shop', name: 'fresh' });
  await eventually('it to go', () => seen.includes('delete fresh'), 15_000);
  await informer.stop();
});

it('reads refusals as Statuses', async () => {
  const asked = core.readNamespacedSecret({ namespace: 'shop', name: 'none' });
  await expect(asked).rejects.toMatchObject({ code: 404 });
});
