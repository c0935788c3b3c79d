import { describe, expect, it } from 'vitest';
import {
  peerAuthentication,
  service,
  settings,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { Service } from '../../resources/kinds/service.ts';
import type { WorkloadEntry } from '../../resources/kinds/workload-entry.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { type Endpoint, resolveUpstream } from './resolve-upstream.ts';

const facts: MeshFacts = {
  ...noFacts,
  services: [
    service(),
    service({ ports: [{ port: 8080 }, { name: 'db', port: 5432 }] }, { name: 'products' }),
    service({}, { name: 'teller', namespace: 'bank' }),
  ],
  workloadEntries: [workloadEntry()],
};

const products = { namespace: 'shop', labels: { app: 'products' } };
const istioMtls = {
  kind: 'istio-mtls',
  sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
} as const;
const strict = peerAuthentication({ mtls: { mode: 'STRICT' } });

const resolve = (given: MeshFacts, host = 'reviews.shop', port = 80) =>
  resolveUpstream(given, { host, port, client: products }, settings);

/** The endpoints of the Service `shop/reviews`; fails with the problem when there are none. */
function endpoints(given: Partial<MeshFacts>): readonly Endpoint[] {
  const found = resolve({ ...facts, ...given });
  if ('problem' in found) throw new Error(found.problem);
  return found.endpoints;
}

function problem(given: MeshFacts, host?: string, port?: number): string {
  const found = resolve(given, host, port);
  return 'problem' in found ? found.problem : 'none';
}

describe('resolveUpstream', () => {
  it.each([
    'reviews.shop',
    'reviews.shop.svc',
    'reviews.shop.svc.cluster.local',
    'Reviews.Shop.SVC.Cluster.Local.',
  ])('knows a Service as "%s"', (host) => {
    expect(resolve(facts, host)).toMatchObject({
      endpoints: [
        {
          address: '10.0.2.9',
          port: 80,
          identity: 'spiffe://cluster.local/ns/shop/sa/reviews',
          expectedIds: ['spiffe://cluster.local/ns/shop/sa/reviews'],
          transport: {
            kind: 'istio-mtls',
            sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
          },
          weight: 1,
          workload: 'shop/reviews-1',
        },
      ],
    });
  });

  it.each<[string, number, string]>([
    ['reviews', 80, '"reviews" names no Service; write for example "reviews.shop"'],
    ['', 80, '"" names no Service; write for example "reviews.shop"'],
    ['teller', 80, '"teller" names no Service; write for example "teller.bank"'],
    ['example.com.org', 80, '"example.com.org" names no Service; write for example "reviews.shop"'],
    ['reviews.', 80, '"reviews." names no Service; write for example "reviews.shop"'],
    [
      'reviewz.shop',
      80,
      'there is no Service "reviewz" in namespace "shop"; it has reviews, products',
    ],
    [
      'reviews.shoppe',
      80,
      'there is no Service "reviews" in namespace "shoppe"; there are Services in shop, bank',
    ],
    ['products.shop', 80, 'Service shop/products has no port 80; it has 8080, 5432 (db)'],
  ])('says what there is beside "%s":%i', (host, port, expected) => {
    expect(problem(facts, host, port)).toBe(expected);
  });

  it.each<[string, Partial<MeshFacts>, string]>([
    [
      'nothing is known',
      noFacts,
      'there is no Service "reviews" in namespace "shop", nor any other that this workload may see',
    ],
    [
      'the Service has no selector',
      { services: [service({ selector: {} })] },
      'Service shop/reviews has no selector, so no workload is behind it',
    ],
    [
      'the Service has no ports',
      { services: [service({ ports: [] })] },
      'Service shop/reviews has no port 80; it has no TCP port at all',
    ],
    [
      'the port is UDP',
      { services: [service({ ports: [{ port: 80, protocol: 'UDP' }] })] },
      'Service shop/reviews has no port 80; it has no TCP port at all',
    ],
    [
      'nobody has the labels',
      { workloadEntries: [workloadEntry({ labels: { app: 'x' } })] },
      'no WorkloadEntry in namespace shop has the labels of Service shop/reviews: app=reviews',
    ],
    [
      'they are in another namespace',
      { workloadEntries: [workloadEntry({}, { namespace: 'bank' })] },
      'no WorkloadEntry in namespace shop has the labels of Service shop/reviews: app=reviews',
    ],
    [
      'there is no address',
      { workloadEntries: [workloadEntry({ address: '' })] },
      'WorkloadEntry shop/reviews-1 has no address',
    ],
    [
      'the HBONE port is no port',
      { workloadEntries: [hbone('x')] },
      'WorkloadEntry shop/reviews-1 has the annotation networking.hauberk.dev/hbone-port "x", which is no port',
    ],
    [
      'plaintext would meet STRICT',
      { workloadEntries: [workloadEntry({ serviceAccount: '' })], peerAuthentications: [strict] },
      'WorkloadEntry shop/reviews-1 must be called by mTLS (STRICT by PeerAuthentication shop/default) and does not speak it: set its serviceAccount',
    ],
  ])('says why there is no endpoint when %s', (_, given, expected) => {
    expect(problem({ ...facts, ...given })).toBe(expected);
  });

  it.each<[string, NonNullable<Service['spec']['ports']>[number], Record<string, number>, number]>([
    ['the port of the Service', { port: 80 }, {}, 80],
    ['the target port', { port: 80, targetPort: 8080 }, {}, 8080],
    ['the port of that name', { name: 'http', port: 80 }, { http: 9090 }, 9090],
    [
      'the port of that name over the target port',
      { name: 'http', port: 80, targetPort: 8080 },
      { http: 9090 },
      9090,
    ],
    ['the named target port', { name: 'http', port: 80, targetPort: 'web' }, { web: 9191 }, 9191],
    [
      'the name of the Service port over that of the target',
      { name: 'http', port: 80, targetPort: 'web' },
      { http: 9090, web: 9191 },
      9090,
    ],
    [
      'the port of the Service for an unknown target name',
      { port: 80, targetPort: 'web' },
      { x: 1 },
      80,
    ],
  ])('calls %s', (_, servicePort, ports, expected) => {
    const given = {
      services: [service({ ports: [servicePort] })],
      workloadEntries: [workloadEntry({ ports })],
    };
    expect(endpoints(given).map(({ port }) => port)).toEqual([expected]);
  });

  it.each<[string, WorkloadEntry, string | undefined, Endpoint['transport']]>([
    ['an account', workloadEntry(), 'STRICT', istioMtls],
    ['an account, PERMISSIVE', workloadEntry(), undefined, istioMtls],
    ['an account, DISABLE', workloadEntry(), 'DISABLE', { kind: 'plaintext' }],
    ['no account', workloadEntry({ serviceAccount: '' }), undefined, { kind: 'plaintext' }],
    [
      'no account and the label',
      workloadEntry({ serviceAccount: '', labels: labelled('istio') }),
      undefined,
      istioMtls,
    ],
    [
      'the label, DISABLE',
      workloadEntry({ labels: labelled('istio') }),
      'DISABLE',
      { kind: 'plaintext' },
    ],
    [
      'an account and the label off',
      workloadEntry({ labels: labelled('disabled') }),
      undefined,
      { kind: 'plaintext' },
    ],
    ['the annotation', hbone('15008'), undefined, { kind: 'hbone', port: 15_008 }],
    ['the annotation, DISABLE', hbone('15008'), 'DISABLE', { kind: 'plaintext' }],
  ])('picks the transport of a workload with %s', (_, entry, mode, expected) => {
    const policy = mode as 'STRICT' | 'DISABLE' | undefined;
    const peerAuthentications =
      policy === undefined ? [] : [peerAuthentication({ mtls: { mode: policy } })];
    const given = { workloadEntries: [entry], peerAuthentications };
    expect(endpoints(given).map(({ transport }) => transport)).toEqual([expected]);
  });

  it('looks at the mode of the workload port, not of the Service port', () => {
    const selector = { matchLabels: { app: 'reviews' } };
    const given = {
      services: [service({ ports: [{ port: 80, targetPort: 8080 }] })],
      peerAuthentications: [
        peerAuthentication({ selector, portLevelMtls: { '8080': { mode: 'DISABLE' as const } } }),
      ],
    };
    expect(endpoints(given)).toMatchObject([{ port: 8080, transport: { kind: 'plaintext' } }]);
  });

  it('leaves out what must not be called and keeps the rest', () => {
    const given = {
      workloadEntries: [
        workloadEntry({ serviceAccount: '' }, { name: 'old' }),
        workloadEntry({}, { name: 'new' }),
      ],
      peerAuthentications: [strict],
    };
    expect(endpoints(given).map(({ workload }) => workload)).toEqual(['shop/new']);
  });

  it('knows no identity of a workload without account', () => {
    const given = { workloadEntries: [workloadEntry({ serviceAccount: '' })] };
    expect(endpoints(given).map(({ identity }) => identity)).toEqual([undefined]);
  });

  it('selects by labels of metadata over labels of the spec', () => {
    const entry = workloadEntry({ labels: { app: 'x' } }, { labels: { app: 'reviews' } });
    expect(endpoints({ workloadEntries: [entry] })).toHaveLength(1);
  });
});

function hbone(port: string): WorkloadEntry {
  return workloadEntry({}, { annotations: { 'networking.hauberk.dev/hbone-port': port } });
}

function labelled(mode: string): Record<string, string> {
  return { app: 'reviews', 'security.istio.io/tlsMode': mode };
}
