import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function issuer(spec: string, kind = 'Issuer'): string {
  return `{apiVersion: cert-manager.io/v1, kind: ${kind}, metadata: {name: a}, spec: ${spec}}`;
}
const acme = (solver: string) =>
  issuer(
    `{acme: {server: "https://acme.example/directory", privateKeySecretRef: {name: k}, solvers: [${solver}]}}`,
    'ClusterIssuer',
  );

it.each([
  issuer('{selfSigned: {}}'),
  issuer('{ca: {secretName: root}}', 'ClusterIssuer'),
  acme('{http01: {ingress: {class: x, podTemplate: {spec: {nodeSelector: {a: b}}}}}}'),
  acme('{selector: {dnsZones: [a.b]}, dns01: {rfc2136: {nameserver: 10.0.0.1}}}'),
  acme('{dns01: {webhook: {groupName: a, solverName: b, config: {any: [thing]}}}}'),
  issuer(
    '{vault: {server: "https://v", path: pki/sign/a, auth: {tokenSecretRef: {name: t, key: k}}}}',
  ),
  issuer('{venafi: {zone: z, cloud: {apiTokenSecretRef: {name: a}}}}'),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
});

it.each([
  [issuer('{}'), 'spec: exactly one of selfSigned, ca, acme, vault, venafi must be set; none is'],
  [
    issuer('{selfSigned: {}, ca: {secretName: a}}'),
    'spec: exactly one of selfSigned, ca, acme, vault, venafi must be set; selfSigned and ca are',
  ],
  [
    issuer('{venafi: {zone: z}}'),
    'spec.venafi: exactly one of tpp, cloud, ngts must be set; none is',
  ],
  [
    issuer('{vault: {server: v, path: p, auth: {}}}'),
    'spec.vault.auth: exactly one of tokenSecretRef, appRole, clientCertificate, kubernetes, aws must be set; none is',
  ],
  [acme('{}'), 'spec.acme.solvers[0]: exactly one of http01 and dns01 must be set'],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});
