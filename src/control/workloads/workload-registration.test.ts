import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import type { Resource } from '../../resources/resource.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import {
  deregisterWorkload,
  readWorkloadReport,
  registerWorkload,
  type WorkloadReport,
} from './workload-registration.ts';

const KEY = { kind: 'WorkloadEntry.networking.istio.io', namespace: 'shop', name: 'reviews-1' };
const registrant = { namespace: 'shop', serviceAccount: 'reviews' };
const report: WorkloadReport = {
  name: 'reviews-1',
  address: '10.0.0.7',
  hbonePort: 15_008,
  ports: { http: 8080 },
};
let store: Store;

beforeEach(async () => {
  store = memoryStore({ clock: new ManualClock() });
  const metadata = { namespace: 'shop', name: 'reviews', labels: { app: 'reviews' } };
  await store.commit([
    { op: 'put', resource: { apiVersion: 'v1', kind: 'ServiceAccount', metadata } },
  ]);
});

describe('registerWorkload', () => {
  it('writes an entry with the account of the certificate and the labels of that account', async () => {
    const entry = await registerWorkload(store, registrant, report);
    expect(entry).toMatchObject({
      metadata: {
        ...KEY_METADATA,
        labels: { app: 'reviews' },
        annotations: {
          'networking.hauberk.dev/hbone-port': '15008',
          'networking.hauberk.dev/registered': 'reviews',
        },
      },
      spec: {
        address: '10.0.0.7',
        ports: { http: 8080 },
        labels: { app: 'reviews' },
        serviceAccount: 'reviews',
      },
    });
  });

  it('changes nothing when the same workload comes back', async () => {
    await registerWorkload(store, registrant, report);
    const { version } = store;
    await registerWorkload(store, registrant, report);
    expect(store.version).toBe(version);
  });

  it('does not overwrite an entry that was written by hand', async () => {
    const byHand: Resource = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata: KEY_METADATA,
      spec: { address: '10.0.0.1' },
    };
    await store.commit([{ op: 'put', resource: byHand }]);
    await expect(registerWorkload(store, registrant, report)).rejects.toThrow(
      /written by hand; give the sidecar another --name/,
    );
    expect((await store.get(KEY))?.['spec']).toEqual({ address: '10.0.0.1' });
  });

  it('does not let one service account take the entry of another', async () => {
    await registerWorkload(store, registrant, report);
    const other = { namespace: 'shop', serviceAccount: 'frontend' };
    await expect(registerWorkload(store, other, report)).rejects.toThrow(
      /belongs to service account "reviews"/,
    );
  });

  it('refuses a name that no object may have', async () => {
    const bad = registerWorkload(store, registrant, { ...report, name: 'Reviews_1' });
    await expect(bad).rejects.toMatchObject({ code: 'ERR_WIRE' });
  });
});

describe('deregisterWorkload', () => {
  it('removes a registered entry and leaves one that somebody took over by hand', async () => {
    const entry = await registerWorkload(store, registrant, report);
    await deregisterWorkload(store, entry);
    expect(await store.get(KEY)).toBeUndefined();
    const byHand = { ...entry, metadata: KEY_METADATA };
    await store.commit([{ op: 'put', resource: byHand }]);
    await deregisterWorkload(store, entry);
    expect(await store.get(KEY)).toBeDefined();
  });
});

describe('readWorkloadReport', () => {
  const good = {
    NAME: 'reviews-1',
    INSTANCE_IPS: '10.0.0.7',
    HBONE_PORT: 15_008,
    PORTS: { http: 8080 },
  };

  it('reads what an agent says', () => {
    expect(readWorkloadReport(good)).toEqual(report);
  });

  it.each([
    ['NAME', { NAME: '' }],
    ['NAME', { NAME: 7 }],
    ['NAME', { NAME: 'x'.repeat(254) }],
    ['INSTANCE_IPS', { INSTANCE_IPS: 'host.example.org' }],
    ['HBONE_PORT', { HBONE_PORT: 0 }],
    ['HBONE_PORT', { HBONE_PORT: 1.5 }],
    ['PORTS', { PORTS: null }],
    ['PORTS.http', { PORTS: { http: 70_000 } }],
    [
      'PORTS',
      { PORTS: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, at + 1])) },
    ],
  ])('refuses a bad %s, naming it', (field, change) => {
    expect(() => readWorkloadReport({ ...good, ...change })).toThrow(
      `node metadata ${field} cannot be used`,
    );
  });
});

const KEY_METADATA = { namespace: KEY.namespace, name: KEY.name };
