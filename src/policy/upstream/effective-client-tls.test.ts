import { describe, expect, it } from 'vitest';
import {
  destinationRule,
  peerAuthentication,
  service,
  serviceEntry,
  settings,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { describeClientTlsAuthor, type OriginatedTls } from './effective-client-tls.ts';
import { resolveUpstream } from './resolve-upstream.ts';

const client = { namespace: 'shop', labels: { app: 'products' } };
const hboneEntry = workloadEntry(
  {},
  { annotations: { 'networking.hauberk.dev/hbone-port': '15008' } },
);
const mesh: MeshFacts = { ...noFacts, services: [service()], workloadEntries: [workloadEntry()] };
const mode = (word: 'DISABLE' | 'PERMISSIVE' | 'STRICT', selector = {}) => ({
  mtls: { mode: word },
  ...selector,
});
const forReviews = { selector: { matchLabels: { app: 'reviews' } } };

/** How `reviews.shop:80` is spoken to: the transport of each endpoint, and who decided. */
function how(
  facts: Partial<MeshFacts>,
  over: Partial<typeof settings> = {},
): { readonly kinds: readonly string[]; readonly by: string } | string {
  const resolved = resolveUpstream(
    { ...mesh, ...facts },
    { host: 'reviews.shop', port: 80, client },
    { ...settings, ...over },
  );
  if ('problem' in resolved) return resolved.problem;
  return {
    kinds: resolved.endpoints.map(({ transport }) => transport.kind),
    by: describeClientTlsAuthor(resolved.tls.by),
  };
}

const withTls = (tls: ClientTls, spec = {}) => ({
  destinationRules: [destinationRule({ trafficPolicy: { tls }, ...spec })],
});

describe('without a rule', () => {
  it.each<[string, Partial<MeshFacts>, Partial<typeof settings>, readonly string[], string]>([
    ['mTLS to a workload that takes it', {}, {}, ['istio-mtls'], 'auto mTLS'],
    ['by HBONE where it is offered', { workloadEntries: [hboneEntry] }, {}, ['hbone'], 'auto mTLS'],
    [
      'also where the server is STRICT',
      { peerAuthentications: [peerAuthentication(mode('STRICT'))] },
      {},
      ['istio-mtls'],
      'auto mTLS',
    ],
    [
      'plaintext where the workload has no label and no account',
      { workloadEntries: [workloadEntry({ serviceAccount: '' })] },
      {},
      ['plaintext'],
      'auto mTLS',
    ],
    [
      'plaintext where auto mTLS is off',
      {},
      { autoMtls: false },
      ['plaintext'],
      'the mesh, whose enableAutoMtls is false',
    ],
    [
      'plaintext where the namespace is DISABLE, HBONE or not',
      {
        workloadEntries: [hboneEntry],
        peerAuthentications: [peerAuthentication(mode('DISABLE'))],
      },
      {},
      ['plaintext'],
      'PeerAuthentication shop/default, which is DISABLE',
    ],
    [
      'plaintext where the mesh is DISABLE',
      {
        peerAuthentications: [
          peerAuthentication(mode('DISABLE'), { namespace: 'istio-system', name: 'mesh' }),
        ],
      },
      {},
      ['plaintext'],
      'PeerAuthentication istio-system/mesh, which is DISABLE',
    ],
    [
      'plaintext to a workload that is DISABLE in a namespace that is STRICT',
      {
        peerAuthentications: [
          peerAuthentication(mode('STRICT')),
          peerAuthentication(mode('DISABLE', forReviews), { name: 'reviews' }),
        ],
      },
      {},
      ['plaintext'],
      'auto mTLS',
    ],
    [
      'each endpoint as it is',
      {
        workloadEntries: [
          workloadEntry({}, { name: 'a' }),
          workloadEntry({ serviceAccount: '' }, { name: 'b' }),
        ],
      },
      {},
      ['istio-mtls', 'plaintext'],
      'auto mTLS',
    ],
    [
      'all or nothing where callers choose the endpoint themselves',
      {
        services: [service({ clusterIP: 'None' })],
        workloadEntries: [
          workloadEntry({}, { name: 'a' }),
          workloadEntry({ serviceAccount: '' }, { name: 'b' }),
        ],
      },
      {},
      ['plaintext', 'plaintext'],
      'auto mTLS',
    ],
    [
      'all of a headless Service that takes it',
      { services: [service({ clusterIP: 'None' })] },
      {},
      ['istio-mtls'],
      'auto mTLS',
    ],
  ])('%s', (_, facts, over, kinds, by) => {
    expect(how(facts, over)).toEqual({ kinds, by });
  });

  it('does not look at a STRICT workload in a namespace that is DISABLE, and sends it no plaintext', () => {
    const peerAuthentications = [
      peerAuthentication(mode('DISABLE')),
      peerAuthentication(mode('STRICT', forReviews), { name: 'reviews' }),
    ];
    expect(how({ peerAuthentications })).toBe(
      'WorkloadEntry shop/reviews-1 must be called by mTLS (STRICT by PeerAuthentication shop/reviews) and would be sent plaintext by PeerAuthentication shop/default, which is DISABLE: change one of the two',
    );
  });

  it('counts a LoadBalancer PASSTHROUGH as choosing oneself', () => {
    const facts = {
      destinationRules: [
        destinationRule({ trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } }),
      ],
      workloadEntries: [
        workloadEntry({}, { name: 'a' }),
        workloadEntry({ serviceAccount: '' }, { name: 'b' }),
      ],
    };
    expect(how(facts)).toMatchObject({ kinds: ['plaintext', 'plaintext'] });
  });
});

describe('the tls of a rule', () => {
  const off = { peerAuthentications: [peerAuthentication(mode('DISABLE'))] };

  it.each<[string, ClientTls, Partial<MeshFacts>, readonly string[]]>([
    ['DISABLE is plaintext', { mode: 'DISABLE' }, {}, ['plaintext']],
    ['{} is DISABLE', {}, {}, ['plaintext']],
    ['SIMPLE is TLS', { mode: 'SIMPLE' }, {}, ['tls']],
    ['MUTUAL is TLS', { mode: 'MUTUAL', clientCertificate: '/c', privateKey: '/k' }, {}, ['tls']],
    ['ISTIO_MUTUAL is mTLS', { mode: 'ISTIO_MUTUAL' }, {}, ['istio-mtls']],
    [
      'ISTIO_MUTUAL by HBONE',
      { mode: 'ISTIO_MUTUAL' },
      { workloadEntries: [hboneEntry] },
      ['hbone'],
    ],
    [
      'ISTIO_MUTUAL on the port where a server name is asked for',
      { mode: 'ISTIO_MUTUAL', sni: 'x' },
      { workloadEntries: [hboneEntry] },
      ['istio-mtls'],
    ],
    [
      'ISTIO_MUTUAL on the port where TLS 1.2 is the most',
      { mode: 'ISTIO_MUTUAL', maxProtocolVersion: 'TLSV1_2' },
      { workloadEntries: [hboneEntry] },
      ['istio-mtls'],
    ],
    ['PeerAuthentication is not asked', { mode: 'ISTIO_MUTUAL' }, off, ['istio-mtls']],
    [
      'nor whether the workload takes it',
      { mode: 'ISTIO_MUTUAL' },
      { workloadEntries: [workloadEntry({ serviceAccount: '' })] },
      ['istio-mtls'],
    ],
  ])('%s', (_, tls, facts, kinds) => {
    expect(how({ ...facts, ...withTls(tls) })).toEqual({
      kinds,
      by: 'DestinationRule shop/rule (trafficPolicy)',
    });
  });

  it('holds without auto mTLS too', () => {
    expect(how(withTls({ mode: 'ISTIO_MUTUAL' }), { autoMtls: false })).toMatchObject({
      kinds: ['istio-mtls'],
    });
  });

  it('sends no plaintext to a workload that is known to be STRICT', () => {
    const facts = {
      ...withTls({ mode: 'DISABLE' }),
      peerAuthentications: [peerAuthentication(mode('STRICT'))],
    };
    expect(how(facts)).toMatch(
      /STRICT by PeerAuthentication shop\/default\) and would be sent plaintext by DestinationRule shop\/rule/,
    );
  });

  it('is refused, and not forgotten, where its credential does not count', () => {
    expect(how(withTls({ mode: 'SIMPLE', credentialName: 'ca' }))).toBe(
      'WorkloadEntry shop/reviews-1 is not called: DestinationRule shop/rule (trafficPolicy): credentialName "ca" counts only in a rule with a workloadSelector; add one, or name files',
    );
    const workloadSelector = { matchLabels: { app: 'products' } };
    expect(
      how(withTls({ mode: 'SIMPLE', credentialName: 'ca' }, { workloadSelector })),
    ).toMatchObject({
      kinds: ['tls'],
    });
    expect(how(withTls({ mode: 'SIMPLE', credentialName: 'configmap://shop/ca' }))).toMatchObject({
      kinds: ['tls'],
    });
  });

  it('is refused where MUTUAL has nothing to show', () => {
    expect(how(withTls({ mode: 'MUTUAL' }))).toMatch(/needs clientCertificate and privateKey/);
  });
});

describe('mutual TLS of the mesh', () => {
  const endpoint = (facts: Partial<MeshFacts>, subset?: string) => {
    const call = { host: 'reviews.shop', port: 80, client, subset };
    const resolved = resolveUpstream({ ...mesh, ...facts }, call, settings);
    if ('problem' in resolved) throw new Error(resolved.problem);
    return resolved.endpoints[0];
  };

  it("asks for Istio's server name", () => {
    expect(endpoint({})?.transport).toMatchObject({
      sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
    });
    const subsets = [{ name: 'v1', labels: { app: 'reviews' } }];
    expect(
      endpoint({ destinationRules: [destinationRule({ subsets })] }, 'v1')?.transport,
    ).toMatchObject({ sni: 'outbound_.80_.v1_.reviews.shop.svc.cluster.local' });
    expect(endpoint(withTls({ mode: 'ISTIO_MUTUAL', sni: 'mine' }))?.transport).toMatchObject({
      sni: 'mine',
    });
  });

  it('takes an empty server name of a rule for none', () => {
    const facts = withTls({ mode: 'ISTIO_MUTUAL', sni: '' });
    expect(endpoint(facts)?.transport).toMatchObject({
      sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
    });
    expect(how({ ...facts, workloadEntries: [hboneEntry] })).toMatchObject({ kinds: ['hbone'] });
  });

  it('is not bound by tlsDefaults, nor loosened by insecureSkipVerify', () => {
    const some = { cipherSuites: ['AES128-GCM-SHA256'], ecdhCurves: ['P-256'] };
    const tlsDefaults = { minVersion: 'TLSv1.3', ...some } as const;
    const call = { host: 'reviews.shop', port: 80, client };
    const ruled = withTls({ mode: 'ISTIO_MUTUAL', insecureSkipVerify: true });
    const over = { ...settings, tlsDefaults };
    const resolved = resolveUpstream({ ...mesh, ...ruled }, call, over);
    if ('problem' in resolved) throw new Error(resolved.problem);
    const bounds = { minVersion: undefined, maxVersion: undefined };
    expect(resolved.endpoints).toMatchObject([
      {
        transport: { kind: 'istio-mtls', bounds: { ...bounds, cipherSuites: [], ecdhCurves: [] } },
        expectedIds: ['spiffe://cluster.local/ns/shop/sa/reviews'],
      },
    ]);
  });

  it('is bound by what the rule says of versions and suites', () => {
    const tls: ClientTls = {
      mode: 'ISTIO_MUTUAL',
      cipherSuites: ['ECDHE-RSA-AES256-GCM-SHA384'],
      minProtocolVersion: 'TLSV1_2',
      maxProtocolVersion: 'TLSV1_2',
    };
    expect(endpoint(withTls(tls))?.transport).toMatchObject({
      bounds: {
        ...{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
        cipherSuites: ['ECDHE-RSA-AES256-GCM-SHA384'],
      },
    });
  });
});

describe('TLS to a service outside of the mesh', () => {
  /** How `api.example:443` is spoken to by a rule. */
  function originated(tls: ClientTls, entry = serviceEntry(), over = {}): OriginatedTls {
    const facts = {
      ...noFacts,
      serviceEntries: [entry],
      destinationRules: [destinationRule({ host: 'api.example', trafficPolicy: { tls } })],
    };
    const call = { host: 'api.example', port: 443, client };
    const resolved = resolveUpstream(facts, call, { ...settings, ...over });
    const transport = 'problem' in resolved ? undefined : resolved.endpoints[0]?.transport;
    if (transport?.kind !== 'tls') throw new Error(JSON.stringify(resolved));
    return transport.tls;
  }

  it.each<[string, ClientTls, Partial<OriginatedTls>]>([
    [
      'asks for its name, believes the system and checks the name',
      { mode: 'SIMPLE' },
      { sni: 'api.example', authorities: { from: 'system' }, names: ['api.example'] },
    ],
    [
      'asks for and checks the name of the rule',
      { mode: 'SIMPLE', sni: 'other.example' },
      { sni: 'other.example', names: ['other.example'] },
    ],
    [
      'takes an empty name of the rule for none',
      { mode: 'SIMPLE', sni: '', caCertificates: '', caCrl: '' },
      { sni: 'api.example', authorities: { from: 'system' }, names: ['api.example'] },
    ],
    [
      'checks the names of the rule',
      { mode: 'SIMPLE', subjectAltNames: ['spiffe://x/y', 'z.example'] },
      { sni: 'api.example', names: ['spiffe://x/y', 'z.example'] },
    ],
    [
      'believes the authorities of the rule',
      { mode: 'SIMPLE', caCertificates: '/ca.pem', caCrl: '/crl.pem' },
      { authorities: { from: 'file', path: '/ca.pem', crl: '/crl.pem' } },
    ],
    [
      'knows the system by name',
      { mode: 'SIMPLE', caCertificates: 'system' },
      { authorities: { from: 'system' } },
    ],
    [
      'asks nobody where it is told to',
      { mode: 'SIMPLE', insecureSkipVerify: true },
      { authorities: { from: 'nobody' }, names: [] },
    ],
    [
      'shows the certificate of the rule',
      { mode: 'MUTUAL', clientCertificate: '/c.pem', privateKey: '/k.pem' },
      { credential: { from: 'files', certificate: '/c.pem', privateKey: '/k.pem' } },
    ],
  ])('%s', (_, tls, expected) => {
    expect(originated(tls)).toMatchObject(expected);
  });

  it('checks the names of the ServiceEntry where the rule has none', () => {
    const entry = serviceEntry({ subjectAltNames: ['one.example'] });
    expect(originated({ mode: 'SIMPLE' }, entry).names).toEqual(['one.example']);
    expect(originated({ mode: 'SIMPLE', subjectAltNames: ['two'] }, entry).names).toEqual(['two']);
  });

  it('takes suites and curves of the mesh, and not its lowest version', () => {
    const tlsDefaults = {
      ...{ minVersion: 'TLSv1.3', cipherSuites: ['AES128-GCM-SHA256'], ecdhCurves: ['P-256'] },
    };
    expect(originated({ mode: 'SIMPLE' }, serviceEntry(), { tlsDefaults }).bounds).toEqual({
      ...{ minVersion: undefined, maxVersion: undefined },
      ...{ cipherSuites: ['AES128-GCM-SHA256'], ecdhCurves: ['P-256'] },
    });
  });

  it('shows no certificate with SIMPLE, even where the rule names one', () => {
    const tls = { mode: 'SIMPLE', clientCertificate: '/c.pem', privateKey: '/k.pem' } as const;
    expect(originated(tls).credential).toBeUndefined();
  });

  it('is not begun without a rule: the application may speak TLS itself', () => {
    const facts = { ...noFacts, serviceEntries: [serviceEntry()] };
    const resolved = resolveUpstream(facts, { host: 'api.example', port: 443, client }, settings);
    expect(resolved).toMatchObject({
      tls: { how: 'plaintext', by: { kind: 'external' } },
      endpoints: [{ address: 'api.example', port: 443, transport: { kind: 'plaintext' } }],
    });
  });
});
