import { describe, expect, it } from 'vitest';
import { settings as base, configMap, istioOperator } from '../../test/kit/policies.ts';
import { type MeshSettings, meshSettings, ownTrustDomains, tlsVersion } from './mesh-settings.ts';

const nothing = { istioOperators: [], configMaps: [] };
const mesh = (text: string) => configMap({ mesh: text });

describe('the settings of a mesh', () => {
  it('are the defaults where nobody wrote any', () => {
    expect(meshSettings(nothing, base)).toEqual(base);
  });

  it.each<[object, Partial<MeshSettings>]>([
    [{ meshConfig: { enableAutoMtls: false } }, { autoMtls: false }],
    [{ values: { global: { mtls: { auto: false } } } }, { autoMtls: false }],
    [
      { meshConfig: { enableAutoMtls: true }, values: { global: { mtls: { auto: false } } } },
      { autoMtls: true },
    ],
    [{ values: { global: { mtls: { enabled: true } } } }, { defaultMtlsMode: 'STRICT' }],
    [{ values: { global: { mtls: { enabled: false } } } }, { defaultMtlsMode: 'PERMISSIVE' }],
    [
      { meshConfig: { trustDomainAliases: ['old.example'] } },
      { trustDomainAliases: ['old.example'] },
    ],
    [
      { meshConfig: { meshMTLS: { minProtocolVersion: 'TLSV1_3', cipherSuites: ['A', 'B'] } } },
      { meshMtls: { minVersion: 'TLSv1.3', cipherSuites: ['A', 'B'], ecdhCurves: [] } },
    ],
    [
      { meshConfig: { tlsDefaults: { ecdhCurves: ['X25519'] } } },
      { tlsDefaults: { minVersion: undefined, cipherSuites: [], ecdhCurves: ['X25519'] } },
    ],
    [
      { meshConfig: { pathNormalization: { normalization: 'MERGE_SLASHES' } } },
      { pathNormalization: 'MERGE_SLASHES' },
    ],
    [
      { meshConfig: { defaultConfig: { gatewayTopology: { numTrustedProxies: 2 } } } },
      { numTrustedProxies: 2 },
    ],
    [{ meshConfig: { outboundTrafficPolicy: {} } }, { outboundTrafficPolicy: 'REGISTRY_ONLY' }],
    [
      { meshConfig: { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } } },
      { outboundTrafficPolicy: 'ALLOW_ANY' },
    ],
    [
      { meshConfig: { extensionProviders: [{ name: 'opa', envoyExtAuthzGrpc: { port: 9 } }] } },
      { extensionProviders: [{ name: 'opa', envoyExtAuthzGrpc: { port: 9 } }] },
    ],
    [
      { meshConfig: { defaultDestinationRuleExportTo: ['.'] } },
      { defaultDestinationRuleExportTo: ['.'] },
    ],
    [{ meshConfig: { connectTimeout: '3s' } }, { connectTimeoutMs: 3_000 }],
    [{ meshConfig: { protocolDetectionTimeout: '0s' } }, { protocolDetectionTimeoutMs: undefined }],
    [{ meshConfig: { protocolDetectionTimeout: '1.5s' } }, { protocolDetectionTimeoutMs: 1_500 }],
    // a mesh is founded with these two
    [{ meshConfig: { trustDomain: 'other', rootNamespace: 'other' } }, {}],
  ])('take %j of an IstioOperator', (spec, expected) => {
    const facts = { ...nothing, istioOperators: [istioOperator(spec)] };
    expect(meshSettings(facts, base)).toEqual({ ...base, ...expected });
  });

  it('come from the oldest IstioOperator of the root namespace, whole', () => {
    const operator = (second: number, name: string, meshConfig: object, namespace?: string) =>
      istioOperator(
        { meshConfig },
        {
          ...{ name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
          ...(namespace === undefined ? {} : { namespace }),
        },
      );
    const istioOperators = [
      operator(2, 'younger', { enableAutoMtls: true, connectTimeout: '1s' }),
      operator(1, 'older', { enableAutoMtls: false }),
      operator(0, 'elsewhere', { trustDomainAliases: ['evil.example'] }, 'shop'),
    ];
    expect(meshSettings({ ...nothing, istioOperators }, base)).toEqual({
      ...base,
      autoMtls: false,
    });
  });

  it('take what the ConfigMap istio says over that, setting by setting', () => {
    const facts = {
      istioOperators: [
        istioOperator({ meshConfig: { enableAutoMtls: false, connectTimeout: '1s' } }),
      ],
      configMaps: [mesh('enableAutoMtls: true\ntrustDomainAliases: [old.example]\n')],
    };
    expect(meshSettings(facts, base)).toEqual({
      ...base,
      autoMtls: true,
      connectTimeoutMs: 1_000,
      trustDomainAliases: ['old.example'],
    });
  });

  it.each<[string, ReturnType<typeof configMap>]>([
    ['no YAML', mesh('a: [')],
    ['no settings', mesh('enableAutoMtls: maybe')],
    ['of another namespace', configMap({ mesh: 'enableAutoMtls: false' }, { namespace: 'shop' })],
    ['of another name', configMap({ mesh: 'enableAutoMtls: false' }, { name: 'other' })],
    ['empty', mesh('')],
  ])('leave a ConfigMap that is %s out whole', (_, map) => {
    expect(meshSettings({ ...nothing, configMaps: [map] }, base)).toEqual(base);
  });
});

it('counts a trust domain and its aliases as this mesh, each once', () => {
  const domains = { trustDomain: 'a', trustDomainAliases: ['b', 'a'] };
  expect(ownTrustDomains(domains)).toEqual(['a', 'b']);
});

it.each([
  ['TLSV1_3', 'TLSv1.3'],
  ['TLSV1_2', 'TLSv1.2'],
  ['TLSV1_0', 'TLSv1.2'],
  ['TLS_AUTO', undefined],
  [undefined, undefined],
])('reads the TLS version %s as %s', (word, expected) => {
  expect(tlsVersion(word)).toBe(expected);
});
