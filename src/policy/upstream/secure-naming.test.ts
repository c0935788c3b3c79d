import { describe, expect, it } from 'vitest';
import {
  destinationRule,
  service,
  serviceEntry,
  settings,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { resolveUpstream } from './resolve-upstream.ts';

const client = { namespace: 'shop', labels: { app: 'products' } };
const mesh: MeshFacts = { ...noFacts, services: [service()], workloadEntries: [workloadEntry()] };

/** Whom the first endpoint of `reviews.shop:80` must prove to be. */
function expected(facts: Partial<MeshFacts>): readonly string[] {
  const call = { host: 'reviews.shop', port: 80, client };
  const resolved = resolveUpstream({ ...mesh, ...facts }, call, {
    ...settings,
    trustDomainAliases: ['old.example'],
  });
  if ('problem' in resolved) throw new Error(resolved.problem);
  return resolved.endpoints[0]?.expectedIds ?? [];
}

const withTls = (tls: ClientTls, spec = {}) => ({
  destinationRules: [destinationRule({ trafficPolicy: { tls }, ...spec })],
});

describe('secure naming', () => {
  it('expects the workload, under each alias of the trust domain', () => {
    expect(expected({})).toEqual([
      'spiffe://cluster.local/ns/shop/sa/reviews',
      'spiffe://old.example/ns/shop/sa/reviews',
    ]);
  });

  const entryOf = (subjectAltNames: readonly string[]) => ({
    services: [],
    serviceEntries: [
      serviceEntry({
        ...{ hosts: ['reviews.shop'], location: 'MESH_INTERNAL', resolution: 'STATIC' },
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        workloadSelector: { labels: { app: 'reviews' } },
        subjectAltNames,
      }),
    ],
  });

  it('expects the names of the ServiceEntry too, ours under each alias and others as they are', () => {
    const names = ['spiffe://cluster.local/ns/shop/sa/next', 'spiffe://other/ns/a/sa/b', 'a.shop'];
    expect(expected(entryOf(names))).toEqual([
      'spiffe://cluster.local/ns/shop/sa/reviews',
      'spiffe://old.example/ns/shop/sa/reviews',
      'spiffe://cluster.local/ns/shop/sa/next',
      'spiffe://old.example/ns/shop/sa/next',
      'spiffe://other/ns/a/sa/b',
      'a.shop',
    ]);
  });

  it('expects what the rule names in place of the ServiceEntry, and under no alias', () => {
    const names = ['spiffe://cluster.local/ns/shop/sa/only'];
    const facts = {
      ...entryOf(['spiffe://cluster.local/ns/shop/sa/next']),
      ...withTls({ mode: 'ISTIO_MUTUAL', subjectAltNames: names }, { host: 'reviews.shop' }),
    };
    expect(expected(facts)).toEqual(names);
  });

  it('expects what the rule names in its place', () => {
    const names = ['spiffe://other/ns/a/sa/b'];
    const facts = withTls({ mode: 'ISTIO_MUTUAL', subjectAltNames: names });
    expect(expected(facts)).toEqual(names);
  });

  it('expects one of the service where the workload has no account', () => {
    const facts = {
      ...withTls({ mode: 'ISTIO_MUTUAL' }),
      workloadEntries: [
        workloadEntry({ serviceAccount: '' }, { name: 'a' }),
        workloadEntry({}, { name: 'b' }),
      ],
    };
    expect(expected(facts)).toContain('spiffe://cluster.local/ns/shop/sa/reviews');
  });
});
