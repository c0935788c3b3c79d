import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function certificate(rest: string): string {
  return `{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}, spec: {secretName: tls, issuerRef: {name: ca}, ${rest}}}`;
}

it.each([
  'commonName: a.example.com, duration: 2160h, renewBefore: 360h, subject: {organizations: [x]}',
  'uris: ["spiffe://cluster.local/ns/a/sa/b"], usages: [server auth, client auth]',
  'literalSubject: "CN=a"',
  'dnsNames: [a], privateKey: {algorithm: ECDSA, size: 384, rotationPolicy: Never}',
  'dnsNames: [a], keystores: {jks: {create: true, passwordSecretRef: {name: s, key: p}}}',
  'ipAddresses: [10.0.0.1, "::1"], renewBeforePercentage: 30',
])('takes %s', (rest) => {
  expect(problemsOf(certificate(rest))).toEqual([]);
});

it.each([
  [
    'isCA: true',
    ': at least one of commonName, literalSubject, dnsNames, uris, emailAddresses, ipAddresses and otherNames must be set',
  ],
  [`commonName: ${'a'.repeat(65)}`, '.commonName: has 65 characters; at most 64 are allowed'],
  [
    'commonName: a, literalSubject: b',
    '.literalSubject: cannot be set together with commonName or subject',
  ],
  ['dnsNames: [a], duration: 30m', '.duration: must be at least 1h'],
  [
    'dnsNames: [a], duration: 90d',
    '.duration: "90d" is not a duration; write hours, such as "2160h"',
  ],
  ['dnsNames: [a], renewBefore: 1m', '.renewBefore: must be at least 5m'],
  ['dnsNames: [a], duration: 2h, renewBefore: 2h', '.renewBefore: must be shorter than duration'],
  [
    'dnsNames: [a], renewBefore: 1h, renewBeforePercentage: 3',
    '.renewBeforePercentage: cannot be set together with renewBefore',
  ],
  [
    'dnsNames: [a], renewBeforePercentage: 100',
    '.renewBeforePercentage: must be above 0 and below 100, not 100',
  ],
  [
    'dnsNames: [a], privateKey: {size: 1024}',
    '.privateKey.size: must be between 2048 and 8192 with RSA, not 1024',
  ],
  [
    'dnsNames: [a], privateKey: {algorithm: ECDSA, size: 257}',
    '.privateKey.size: must be 256, 384 or 521 with ECDSA, not 257',
  ],
  ['ipAddresses: [10.0.0.300]', '.ipAddresses[0]: "10.0.0.300" is not an IP address'],
  ['emailAddresses: [x]', '.emailAddresses[0]: "x" is not a mail address'],
  ['otherNames: [{oid: x, utf8Value: y}]', '.otherNames[0].oid: "x" is not an object identifier'],
  ['dnsNames: [a], revisionHistoryLimit: 0', '.revisionHistoryLimit: must be at least 1, not 0'],
  [
    'dnsNames: [a], additionalOutputFormats: [{type: DER}, {type: DER}]',
    '.additionalOutputFormats[1].type: DER is there already',
  ],
  [
    'dnsNames: [a], secretTemplate: {annotations: {cert-manager.io/x: y}}',
    '.secretTemplate.annotations[cert-manager.io/x]: keys of cert-manager.io are written by the controller only',
  ],
  [
    'dnsNames: [a], keystores: {pkcs12: {create: true}}',
    '.keystores.pkcs12: needs either passwordSecretRef or password',
  ],
  [
    'dnsNames: [a], renewal: {windows: [{cron: "* * * * *", windowDuration: 1d}]}',
    '.renewal.windows[0].windowDuration: "1d" is not a duration in hours, minutes and seconds',
  ],
])('refuses %s', (rest, problem) => {
  expect(problemsOf(certificate(rest))).toEqual([`spec${problem}`]);
});

it('takes no other kind of issuer of its own group, and any of other groups', () => {
  const to = (issuer: string) =>
    `{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}, spec: {secretName: t, dnsNames: [a], issuerRef: ${issuer}}}`;
  expect(problemsOf(to('{name: a, kind: AWSIssuer, group: aws}'))).toEqual([]);
  expect(problemsOf(to('{name: a, kind: ClusterIssuer}'))).toEqual([]);
  expect(problemsOf(to('{name: a, kind: Isuer}'))).toEqual([
    'spec.issuerRef.kind: "Isuer" is not one of Issuer, ClusterIssuer',
  ]);
});
