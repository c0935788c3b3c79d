import { describe, expect, it } from 'vitest';
import { service, workloadEntry } from '../../test/kit/policies.ts';
import { type MeshDirectory, meshDirectory } from './mesh-directory.ts';
import { type MeshFacts, noFacts } from './mesh-facts.ts';

const HOST = 'reviews.shop.svc.cluster.local';

function directory(facts: Partial<MeshFacts> = {}): MeshDirectory {
  return meshDirectory({
    ...noFacts,
    services: [service({ ports: [{ name: 'http', port: 80, targetPort: 8080 }] })],
    workloadEntries: [workloadEntry({ address: '10.0.2.9' })],
    ...facts,
  });
}

describe('a name of the mesh', () => {
  it.each(['reviews', 'reviews.shop', 'reviews.shop.svc', HOST, `${HOST}.`, 'Reviews.SHOP'])(
    'is found as %s',
    (name) => {
      expect(directory().lookup(name, 'shop')?.host).toBe(HOST);
    },
  );

  it.each([
    'reviews.default',
    'reviews.shop.svc.cluster',
    'reviews.shop.svc.cluster.local.lan',
    '',
  ])('is not %s', (name) => {
    expect(directory().lookup(name, 'shop')).toBeUndefined();
  });

  it('without dots is one of the own namespace', () => {
    expect(directory().lookup('reviews', 'default')).toBeUndefined();
  });

  it('leads to a virtual address of each family', () => {
    const found = directory().lookup('reviews', 'shop');
    expect(found?.ipv4).toEqual([expect.stringMatching(/^240\.240\./)]);
    expect(found?.ipv6).toEqual([expect.stringMatching(/^2001:2:0:0:/)]);
  });

  it('leads to the address of the Service where it has one', () => {
    const services = [service({ clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7', 'fd00::7'] })];
    expect(directory({ services }).lookup('reviews', 'shop')).toEqual({
      ...{ host: HOST, ipv4: ['10.96.0.7'], ipv6: ['fd00::7'] },
    });
  });

  it('of a headless Service leads to the addresses of its endpoints', () => {
    const services = [service({ clusterIP: 'None' })];
    const workloadEntries = ['10.0.2.9', 'fd00::9', 'node.example.com'].map((address) =>
      workloadEntry({ address }, { name: address }),
    );
    expect(directory({ services, workloadEntries }).lookup('reviews', 'shop')).toEqual({
      ...{ host: HOST, ipv4: ['10.0.2.9'], ipv6: ['fd00::9'] },
    });
  });

  it('is not that of an ExternalName Service', () => {
    const services = [service({ type: 'ExternalName', externalName: 'example.com' })];
    expect(directory({ services }).lookup('reviews', 'shop')).toBeUndefined();
  });
});

describe('an address', () => {
  it('that is virtual means its Service, also written as IPv6', () => {
    const facts = directory();
    const found = facts.lookup('reviews', 'shop');
    for (const address of [
      found?.ipv4[0] ?? '',
      found?.ipv6[0] ?? '',
      `::ffff:${found?.ipv4[0]}`,
    ]) {
      expect(facts.destination(address, 80, 'shop')).toEqual({
        kind: 'service',
        host: HOST,
        port: 80,
      });
    }
  });

  it('of a Service means nothing on a port that the Service does not have', () => {
    const facts = directory();
    expect(facts.destination(facts.lookup('reviews', 'shop')?.ipv4[0] ?? '', 81, 'shop')).toEqual({
      kind: 'nothing',
      problem: 'Service shop/reviews has no port 81; it has 80',
    });
  });

  it('of an endpoint means that endpoint, on the port of the workload', () => {
    const endpoint = { host: '10.0.2.9', port: 8080 };
    expect(directory().destination('10.0.2.9', 8080, 'shop')).toEqual({
      ...{ kind: 'endpoint', host: HOST, port: 80, endpoint },
    });
    expect(directory().destination('10.0.2.9', 80, 'shop')).toEqual({ kind: 'outside' });
  });

  it('that two Services have means the older one', () => {
    const at = (name: string, creationTimestamp: string) =>
      service({ clusterIP: '10.96.0.7' }, { name, creationTimestamp });
    const services = [at('young', '2026-02-01T00:00:00Z'), at('old', '2026-01-01T00:00:00Z')];
    expect(directory({ services }).destination('10.96.0.7', 80, 'shop')).toMatchObject({
      host: 'old.shop.svc.cluster.local',
    });
  });

  it.each(['192.0.2.1', 'fd00::1', 'example.com', ''])('%s is outside', (address) => {
    expect(directory().destination(address, 80, 'shop')).toEqual({ kind: 'outside' });
  });

  it('out of the virtual ranges that is of no service leads nowhere, and never outside', () => {
    for (const address of ['240.240.0.1', '2001:2::1']) {
      expect(directory().destination(address, 80, 'shop')).toEqual({
        kind: 'nothing',
        problem: `the virtual address ${address} is of no service any more; look its name up again`,
      });
    }
  });

  it('may be a name as well', () => {
    expect(directory().destination('Reviews', 80, 'shop')).toMatchObject({ host: HOST, port: 80 });
    expect(directory().destination('reviews', 80, 'default')).toEqual({ kind: 'outside' });
    expect(directory().destination('reviews.shop', 81, 'shop')).toMatchObject({ kind: 'nothing' });
  });
});
