import { describe, expect, it } from 'vitest';
import { service, serviceEntry, settings, workloadEntry } from '../../../test/kit/policies.ts';
import type { ServiceEntry } from '../../resources/kinds/service-entry.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { resolveUpstream } from './resolve-upstream.ts';

/** The endpoints of `host:port` for a client in `shop`, as `address:port transport`, or the problem. */
function reach(
  facts: Partial<MeshFacts>,
  host = 'api.example',
  port = 443,
  over: Partial<typeof settings> = {},
): readonly string[] | string {
  const call = { host, port, client: { namespace: 'shop', labels: {} } };
  const found = resolveUpstream({ ...noFacts, ...facts }, call, { ...settings, ...over });
  if ('problem' in found) return found.problem;
  return found.endpoints.map((each) => `${each.address}:${each.port} ${each.transport.kind}`);
}

const entries = (...list: readonly ServiceEntry[]) => ({ serviceEntries: list });
const internal = (spec: Partial<ServiceEntry['spec']>) =>
  serviceEntry({ location: 'MESH_INTERNAL', ...spec });

describe('a ServiceEntry', () => {
  it.each<[string, Partial<ServiceEntry['spec']>, readonly string[]]>([
    ['by DNS is its host', {}, ['api.example:443 plaintext']],
    ['without resolution is its host too', { resolution: 'NONE' }, ['api.example:443 plaintext']],
    [
      'leads to its target port',
      { ports: [{ number: 443, name: 'https', targetPort: 8443 }] },
      ['api.example:8443 plaintext'],
    ],
    [
      'leads to the endpoints that it lists',
      {
        resolution: 'STATIC',
        endpoints: [{ address: '10.0.0.1', ports: { https: 9443 } }, { address: '10.0.0.2' }],
      },
      ['10.0.0.1:9443 plaintext', '10.0.0.2:443 plaintext'],
    ],
    [
      'leads to its address where it lists none',
      { resolution: 'STATIC', addresses: ['10.9.0.0/16', '10.9.0.1'] },
      ['10.9.0.1:443 plaintext'],
    ],
    [
      'outside of the mesh gets no mTLS, whoever runs there',
      { resolution: 'STATIC', endpoints: [{ address: '10.0.0.1', serviceAccount: 'api' }] },
      ['10.0.0.1:443 plaintext'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(reach(entries(serviceEntry(spec)))).toEqual(expected);
  });

  it('inside of the mesh gets mTLS where an account or the label says that it is spoken', () => {
    const endpoints = [
      { address: '10.0.0.1', serviceAccount: 'api' },
      { address: '10.0.0.2' },
      { address: '10.0.0.3', labels: { 'security.istio.io/tlsMode': 'istio' } },
    ];
    expect(reach(entries(internal({ resolution: 'STATIC', endpoints })))).toEqual([
      '10.0.0.1:443 istio-mtls',
      '10.0.0.2:443 plaintext',
      '10.0.0.3:443 istio-mtls',
    ]);
  });

  it('selects WorkloadEntries of its namespace', () => {
    const facts = {
      ...entries(
        internal({ resolution: 'STATIC', workloadSelector: { labels: { app: 'reviews' } } }),
      ),
      workloadEntries: [
        workloadEntry({ address: '10.0.0.7' }),
        workloadEntry({ address: '10.0.0.8' }, { namespace: 'bank' }),
      ],
    };
    expect(reach(facts)).toEqual(['10.0.0.7:443 istio-mtls']);
  });

  it('is found by a wildcard, which leads to the host that was asked for', () => {
    const wide = serviceEntry({ hosts: ['*.example'], resolution: 'NONE' });
    expect(reach(entries(wide), 'shop.example')).toEqual(['shop.example:443 plaintext']);
    const narrow = serviceEntry(
      { hosts: ['shop.example'], resolution: 'STATIC', endpoints: [{ address: '10.1.1.1' }] },
      { name: 'narrow' },
    );
    expect(reach(entries(wide, narrow), 'SHOP.example.')).toEqual(['10.1.1.1:443 plaintext']);
  });

  it('of the own namespace comes before an older one of another', () => {
    const at = (address: string, namespace: string, second: number) =>
      serviceEntry(
        { resolution: 'STATIC', endpoints: [{ address }] },
        { namespace, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
      );
    const [bank, pay, own] = [
      at('10.0.0.1', 'bank', 2),
      at('10.0.0.2', 'pay', 1),
      at('10.0.0.3', 'shop', 3),
    ];
    expect(reach(entries(bank, pay, own))).toEqual(['10.0.0.3:443 plaintext']);
    expect(reach(entries(bank, pay))).toEqual(['10.0.0.2:443 plaintext']);
  });

  it('of another namespace is unknown where it, or the mesh, does not export it', () => {
    const hidden = serviceEntry({ exportTo: ['.'] }, { namespace: 'bank' });
    expect(reach(entries(hidden))).toMatch(/there is no Service/);
    const open = serviceEntry({}, { namespace: 'bank' });
    expect(reach(entries(open), 'api.example', 443, { defaultServiceExportTo: ['.'] })).toMatch(
      /there is no Service/,
    );
    expect(reach(entries(open))).toHaveLength(1);
  });

  it.each<[string, Partial<MeshFacts>, string, number, string]>([
    [
      'names its ports',
      entries(serviceEntry()),
      'api.example',
      80,
      'ServiceEntry shop/api has no port 80 for "api.example"; it has 443 (https)',
    ],
    [
      'is listed beside an unknown host',
      entries(serviceEntry()),
      'other.example',
      443,
      'there is no Service "other" in namespace "example", nor any other that this workload may see; ServiceEntries have api.example',
    ],
    [
      'with a socket as endpoint is not called',
      entries(serviceEntry({ resolution: 'STATIC', endpoints: [{ address: 'unix:///run/x' }] })),
      'api.example',
      443,
      'endpoint 0 of ServiceEntry shop/api is the Unix socket "unix:///run/x", which is not called',
    ],
  ])('%s', (_, facts, host, port, problem) => {
    expect(reach(facts, host, port)).toBe(problem);
  });
});

describe('a Service', () => {
  it('comes before a ServiceEntry of the same name', () => {
    const facts = {
      ...entries(
        serviceEntry({
          hosts: ['reviews.shop.svc.cluster.local'],
          ports: [{ number: 80, name: 'http' }],
        }),
      ),
      services: [service()],
      workloadEntries: [workloadEntry()],
    };
    expect(reach(facts, 'reviews.shop', 80)).toEqual(['10.0.2.9:80 istio-mtls']);
  });

  it('of type ExternalName leads there, in plaintext', () => {
    const services = [service({ type: 'ExternalName', externalName: 'db.example' })];
    expect(reach({ services }, 'reviews.shop', 80)).toEqual(['db.example:80 plaintext']);
  });
});
