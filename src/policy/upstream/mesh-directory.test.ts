import { describe, expect, it } from 'vitest';
import { service, serviceEntry, settings, workloadEntry } from '../../../test/kit/policies.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { type MeshDirectory, meshDirectory } from './mesh-directory.ts';

const HOST = 'reviews.shop.svc.cluster.local';

function directory(facts: Partial<MeshFacts> = {}, namespace = 'shop'): MeshDirectory {
  const all = {
    ...noFacts,
    services: [service({ ports: [{ name: 'http', port: 80, targetPort: 8080 }] })],
    workloadEntries: [workloadEntry({ address: '10.0.2.9' })],
    ...facts,
  };
  return meshDirectory(all, namespace, settings);
}

describe('a name of the mesh', () => {
  it.each(['reviews', 'reviews.shop', 'reviews.shop.svc', HOST, `${HOST}.`, 'Reviews.SHOP'])(
    'is found as %s',
    (name) => {
      expect(directory().lookup(name)?.host).toBe(HOST);
    },
  );

  it.each([
    'reviews.default',
    'reviews.shop.svc.cluster',
    'reviews.shop.svc.cluster.local.lan',
    '',
  ])('is not %s', (name) => {
    expect(directory().lookup(name)).toBeUndefined();
  });

  it('without dots is one of the own namespace', () => {
    expect(directory({}, 'default').lookup('reviews')).toBeUndefined();
  });

  it('leads to a virtual address of each family', () => {
    const found = directory().lookup('reviews');
    expect(found?.ipv4).toEqual([expect.stringMatching(/^240\.240\./)]);
    expect(found?.ipv6).toEqual([expect.stringMatching(/^2001:2:0:0:/)]);
  });

  it('leads to the address of the Service where it has one', () => {
    const services = [service({ clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7', 'fd00::7'] })];
    expect(directory({ services }).lookup('reviews')).toEqual({
      ...{ host: HOST, ipv4: ['10.96.0.7'], ipv6: ['fd00::7'] },
    });
  });

  it('of a headless Service leads to the addresses of its endpoints', () => {
    const services = [service({ clusterIP: 'None' })];
    const workloadEntries = ['10.0.2.9', 'fd00::9', 'node.example.com'].map((address) =>
      workloadEntry({ address }, { name: address }),
    );
    expect(directory({ services, workloadEntries }).lookup('reviews')).toEqual({
      ...{ host: HOST, ipv4: ['10.0.2.9'], ipv6: ['fd00::9'] },
    });
  });

  it('is not that of an ExternalName Service without ports: it is an alias', () => {
    const services = [service({ type: 'ExternalName', externalName: 'example.com', ports: [] })];
    expect(directory({ services }).lookup('reviews')).toBeUndefined();
  });
});

describe('an address', () => {
  it('that is virtual means its Service, also written as IPv6', () => {
    const facts = directory();
    const found = facts.lookup('reviews');
    for (const address of [
      found?.ipv4[0] ?? '',
      found?.ipv6[0] ?? '',
      `::ffff:${found?.ipv4[0]}`,
    ]) {
      expect(facts.destination(address, 80)).toEqual({
        kind: 'service',
        host: HOST,
        port: 80,
      });
    }
  });

  it('of a Service means nothing on a port that the Service does not have', () => {
    const facts = directory();
    expect(facts.destination(facts.lookup('reviews')?.ipv4[0] ?? '', 81)).toEqual({
      kind: 'nothing',
      problem: 'Service shop/reviews has no port 81; it has 80',
    });
  });

  it('of an endpoint means that endpoint, on the port of the workload', () => {
    const endpoint = { host: '10.0.2.9', port: 8080 };
    expect(directory().destination('10.0.2.9', 8080)).toEqual({
      ...{ kind: 'endpoint', host: HOST, port: 80, endpoint },
    });
    expect(directory().destination('10.0.2.9', 80)).toEqual({ kind: 'outside', known: false });
  });

  it('that two Services have means the older one', () => {
    const at = (name: string, creationTimestamp: string) =>
      service({ clusterIP: '10.96.0.7' }, { name, creationTimestamp });
    const services = [at('young', '2026-02-01T00:00:00Z'), at('old', '2026-01-01T00:00:00Z')];
    expect(directory({ services }).destination('10.96.0.7', 80)).toMatchObject({
      host: 'old.shop.svc.cluster.local',
    });
  });

  it.each(['192.0.2.1', 'fd00::1', 'example.com', ''])('%s is outside', (address) => {
    expect(directory().destination(address, 80)).toEqual({ kind: 'outside', known: false });
  });

  it('out of the virtual ranges that is of no service leads nowhere, and never outside', () => {
    for (const address of ['240.240.0.1', '2001:2::1']) {
      expect(directory().destination(address, 80)).toEqual({
        kind: 'nothing',
        problem: `the virtual address ${address} is of no service any more; look its name up again`,
      });
    }
  });

  it('may be a name as well', () => {
    expect(directory().destination('Reviews', 80)).toMatchObject({ host: HOST, port: 80 });
    expect(directory({}, 'default').destination('reviews', 80)).toMatchObject({ kind: 'outside' });
    expect(directory().destination('reviews.shop', 81)).toMatchObject({ kind: 'nothing' });
  });
});

describe('a ServiceEntry', () => {
  const entries = (...list: Parameters<typeof serviceEntry>[0][]) =>
    directory({ serviceEntries: list.map((spec, at) => serviceEntry(spec, { name: `e${at}` })) });

  it('gives its host a virtual address, by which it is then recognised', () => {
    const facts = entries({});
    const found = facts.lookup('API.example.');
    expect(found?.ipv4).toEqual([expect.stringMatching(/^240\.240\./)]);
    const meant = { kind: 'service', host: 'api.example', port: 443 };
    expect(facts.destination(found?.ipv4[0] ?? '', 443)).toEqual(meant);
    expect(facts.destination('api.example', 443)).toEqual(meant);
    expect(facts.destination('api.example', 80)).toMatchObject({ kind: 'nothing' });
  });

  it('with addresses is recognised by these, and its endpoints by theirs', () => {
    const endpoints = [{ address: '10.0.0.9', ports: { https: 8443 } }];
    const facts = entries({ addresses: ['192.0.2.5'], resolution: 'STATIC', endpoints });
    expect(facts.lookup('api.example')?.ipv4).toEqual(['192.0.2.5']);
    expect(facts.destination('192.0.2.5', 443)).toMatchObject({ kind: 'service' });
    expect(facts.destination('10.0.0.9', 8443)).toMatchObject({
      ...{ kind: 'endpoint', host: 'api.example', port: 443 },
    });
  });

  it('without resolution and address leaves its name to the resolvers', () => {
    const facts = entries({ resolution: 'NONE' });
    expect(facts.lookup('api.example')).toBeUndefined();
    expect(facts.destination('api.example', 443)).toMatchObject({ kind: 'service' });
  });

  it('makes the addresses of a range known, on its ports', () => {
    const facts = entries({ resolution: 'NONE', addresses: ['192.0.2.0/24'] });
    expect(facts.destination('192.0.2.77', 443)).toEqual({ kind: 'outside', known: true });
    expect(facts.destination('192.0.2.77', 80)).toEqual({ kind: 'outside', known: false });
  });

  it('of the own namespace has the name, before an older one of another', () => {
    const at = (namespace: string, address: string, day: number) =>
      serviceEntry(
        { addresses: [address] },
        { namespace, creationTimestamp: `2026-01-0${day}T00:00:00Z` },
      );
    const serviceEntries = [at('bank', '192.0.2.1', 1), at('shop', '192.0.2.2', 2)];
    expect(directory({ serviceEntries }).lookup('api.example')?.ipv4).toEqual(['192.0.2.2']);
    expect(directory({ serviceEntries }, 'pay').lookup('api.example')?.ipv4).toEqual(['192.0.2.1']);
  });

  it('that another namespace keeps to itself is not there', () => {
    const serviceEntries = [serviceEntry({ exportTo: ['.'] }, { namespace: 'bank' })];
    expect(directory({ serviceEntries }).lookup('api.example')).toBeUndefined();
  });
});
