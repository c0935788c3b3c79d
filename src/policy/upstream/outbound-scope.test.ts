import { describe, expect, it } from 'vitest';
import { service, serviceEntry, settings, sidecar } from '../../../test/kit/policies.ts';
import type { Sidecar } from '../../resources/kinds/sidecar.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { effectiveSidecar } from './effective-sidecar.ts';
import { outboundScope } from './outbound-scope.ts';

const web = { namespace: 'shop', labels: { app: 'web' } };
const facts: MeshFacts = {
  ...noFacts,
  services: [
    service({}, { name: 'reviews', namespace: 'shop' }),
    service({}, { name: 'products', namespace: 'shop' }),
    service({}, { name: 'ledger', namespace: 'bank' }),
  ],
  serviceEntries: [
    serviceEntry({ hosts: ['api.example', 'www.other.org'] }, { namespace: 'shop' }),
    serviceEntry({ hosts: ['*.cdn.example'] }, { name: 'cdn', namespace: 'net' }),
  ],
};
const ALL = ['reviews', 'products', 'ledger', 'api.example', 'www.other.org', '*.cdn.example'];

function seen(spec: Sidecar['spec'], namespace = 'shop'): readonly string[] {
  const scope = outboundScope(
    { ...facts, sidecars: [sidecar(spec, { namespace })] },
    web,
    settings,
  );
  return [
    ...scope.facts.services.map(({ metadata }) => metadata.name),
    ...scope.facts.serviceEntries.flatMap(({ spec: { hosts } }) => hosts),
  ];
}

const hosts = (...list: string[]): Sidecar['spec'] => ({ egress: [{ hosts: list }] });

describe('the services that a workload may call', () => {
  it.each<[string, Sidecar['spec'], readonly string[]]>([
    ['without egress', { outboundTrafficPolicy: {} }, ALL],
    ['*/*', hosts('*/*'), ALL],
    ['./*', hosts('./*'), ['reviews', 'products', 'api.example', 'www.other.org']],
    ['bank/*', hosts('bank/*'), ['ledger']],
    ['~/*', hosts('~/*'), []],
    ['a whole name', hosts('shop/reviews.shop.svc.cluster.local'), ['reviews']],
    ['of any namespace', hosts('*/LEDGER.bank.svc.cluster.local'), ['ledger']],
    ['in the wrong namespace', hosts('shop/ledger.bank.svc.cluster.local'), []],
    ['a suffix', hosts('*/*.example'), ['api.example', '*.cdn.example']],
    ['a suffix of names', hosts('*/*.shop.svc.cluster.local'), ['reviews', 'products']],
    [
      'several listeners',
      { egress: [{ port: { number: 80 }, hosts: ['bank/*'] }, { hosts: ['./api.example'] }] },
      ['ledger', 'api.example'],
    ],
  ])('by %s', (_, spec, expected) => {
    expect(seen(spec)).toEqual(expected);
  });

  it('are all, and the facts the very same, where no Sidecar holds', () => {
    const elsewhere = { ...facts, sidecars: [sidecar(hosts('~/*'), { namespace: 'bank' })] };
    expect(outboundScope(elsewhere, web, settings)).toEqual({
      ...{ facts: elsewhere, whole: elsewhere, settings, by: undefined },
    });
    expect(outboundScope(elsewhere, web, settings).facts).toBe(elsewhere);
  });

  it('by a Sidecar of the root namespace, where "." is the namespace of the workload', () => {
    expect(seen(hosts('./*'), 'istio-system')).toEqual([
      ...['reviews', 'products', 'api.example', 'www.other.org'],
    ]);
  });
});

describe('outboundTrafficPolicy', () => {
  it.each<[Sidecar['spec'], string]>([
    [hosts('*/*'), 'ALLOW_ANY'],
    [{ outboundTrafficPolicy: {} }, 'REGISTRY_ONLY'],
    [{ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, 'REGISTRY_ONLY'],
    [{ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } }, 'ALLOW_ANY'],
  ])('of %j is %s', (spec, expected) => {
    const scope = outboundScope({ ...facts, sidecars: [sidecar(spec)] }, web, settings);
    expect(scope.settings.outboundTrafficPolicy).toBe(expected);
    expect(scope.by).toBe('shop/default');
  });

  it('goes over that of the mesh', () => {
    const closed = { ...settings, outboundTrafficPolicy: 'REGISTRY_ONLY' } as const;
    const open = sidecar({ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
    const scope = outboundScope({ ...facts, sidecars: [open] }, web, closed);
    expect(scope.settings.outboundTrafficPolicy).toBe('ALLOW_ANY');
  });
});

describe('the Sidecar that holds', () => {
  const made = (name: string, spec: Sidecar['spec'], minute: number, namespace = 'shop') =>
    sidecar(spec, { name, namespace, creationTimestamp: `2026-01-01T00:0${minute}:00Z` });
  const forWeb = { workloadSelector: { labels: { app: 'web' } } };
  const all = [
    made('root', {}, 0, 'istio-system'),
    made('root-web', forWeb, 0, 'istio-system'),
    made('younger', {}, 3),
    made('older', {}, 2),
    made('other', { workloadSelector: { labels: { app: 'db' } } }, 1),
    made('web-younger', forWeb, 5),
    made('web', forWeb, 4),
  ];
  const without = (...names: string[]) =>
    effectiveSidecar(
      all.filter(({ metadata }) => !names.includes(metadata.name)),
      web,
      settings,
    )?.metadata.name;

  it('selects the workload, else is for its namespace, else for the mesh; the oldest of each', () => {
    expect(without()).toBe('web');
    expect(without('web')).toBe('web-younger');
    expect(without('web', 'web-younger')).toBe('older');
    expect(without('web', 'web-younger', 'older', 'younger')).toBe('root');
    expect(without('web', 'web-younger', 'older', 'younger', 'root')).toBeUndefined();
  });
});
