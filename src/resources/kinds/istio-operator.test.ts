import { expect, it } from 'vitest';
import { problemsOf, resourceOf, warningsOf } from '../../../test/kit/validated.ts';

function operator(spec: string, metadata = '{name: mesh}'): string {
  return `{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: ${metadata}, spec: ${spec}}`;
}

it('has a name of its own where nobody gave one, as istioctl has it', () => {
  const bare = '{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {}}';
  expect(resourceOf(bare).metadata).toEqual({ name: 'installed-state', namespace: 'istio-system' });
  expect(resourceOf(operator('{}', '{namespace: a}')).metadata).toEqual({
    name: 'installed-state',
    namespace: 'a',
  });
  expect(resourceOf(operator('{}')).metadata.name).toBe('mesh');
});

it('keeps settings that it has no use for', () => {
  const spec =
    '{values: {global: {mtls: {enabled: true, auto: true}, proxy: {x: 1}}, pilot: {}}, meshConfig: {enableAutoMtls: false, other: [1]}}';
  expect(resourceOf(operator(spec))['spec']).toEqual({
    values: { global: { mtls: { enabled: true, auto: true }, proxy: { x: 1 } }, pilot: {} },
    meshConfig: { enableAutoMtls: false, other: [1] },
  });
});

it('warns that there is nothing to install', () => {
  const spec =
    '{components: {pilot: {enabled: true}, ingressGateways: [{name: a, enabled: true}]}}';
  expect(warningsOf(operator(spec))).toEqual([
    'spec.components.ingressGateways: has no effect: there is nothing to install',
  ]);
});

it.each([
  [
    '{meshConfig: {trustDomain: "A B"}}',
    'spec.meshConfig.trustDomain: is not a trust domain: use lower case letters, digits, ".", "-" and "_"',
  ],
  [
    '{values: {global: {mtls: {enabled: "yes"}}}}',
    'spec.values.global.mtls.enabled: must be true or false, not "yes"',
  ],
  [
    '{meshConfig: {meshMTLS: {ecdhCurves: [P-256]}}}',
    'spec.meshConfig.meshMTLS.ecdhCurves: cannot be set: mutual TLS of the mesh prefers X25519MLKEM768, then X25519 and P-256; tlsDefaults.ecdhCurves is for TLS to others',
  ],
  ['{profil: default}', 'spec.profil: unknown field "profil"; did you mean "profile"?'],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(operator(spec))).toEqual([problem]);
});
