import { beforeEach, describe, expect, it } from 'vitest';
import { type ApiRig, apiRig } from '../../../test/kit/api-rig.ts';
import { eventually } from '../../../test/kit/eventually.ts';

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});

const ENTRIES = '/apis/networking.istio.io/v1/namespaces/shop/workloadentries';
const entry = (name: string, labels: object = {}) => ({
  ...{ apiVersion: 'networking.istio.io/v1', kind: 'WorkloadEntry', metadata: { name } },
  spec: { address: '10.0.0.1', serviceAccount: 'web', labels },
});

describe('a watch of Pods', () => {
  it('tells of workloads that come, change and go', async () => {
    const { json } = await rig.call('GET', '/api/v1/pods');
    const watch = rig.watch(
      `/api/v1/namespaces/shop/pods?watch=true&resourceVersion=${json.metadata.resourceVersion}`,
    );
    await rig.call('POST', ENTRIES, { body: entry('web-1', { app: 'web' }) });
    await rig.call('PATCH', `${ENTRIES}/web-1`, {
      body: { spec: { address: '10.0.0.2' } },
      type: 'application/merge-patch+json',
    });
    await rig.call('DELETE', `${ENTRIES}/web-1`);
    await eventually('three events', () => watch.events.length === 3);
    await watch.stop();
    expect(
      watch.events.map(({ type, object }) => [type, object.kind, object.status.podIP]),
    ).toEqual([
      ['ADDED', 'Pod', '10.0.0.1'],
      ['MODIFIED', 'Pod', '10.0.0.2'],
      ['DELETED', 'Pod', '10.0.0.2'],
    ]);
  });

  it('lets Pods come and go as their labels change', async () => {
    await rig.call('POST', ENTRIES, { body: entry('web-1') });
    const watch = rig.watch('/api/v1/namespaces/shop/pods?watch=true&labelSelector=app%3Dweb');
    const label = (app: string) =>
      rig.call('PATCH', `${ENTRIES}/web-1`, {
        body: { spec: { labels: { app } } },
        type: 'application/merge-patch+json',
      });
    await label('web');
    await label('other');
    await eventually('two events', () => watch.events.length === 2);
    await watch.stop();
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
  });

  it('begins with what is there', async () => {
    await rig.call('POST', ENTRIES, { body: entry('web-1') });
    const watch = rig.watch('/api/v1/pods?watch=true');
    await eventually('both', () => watch.events.length === 2);
    await watch.stop();
    expect(watch.events.map(({ object }) => object.metadata.name)).toEqual(['istiod-0', 'web-1']);
  });
});
