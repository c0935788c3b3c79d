import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { type Secret, secretResource } from '../secret-data.ts';
import { isOwnSecret, secretCredential } from './secret-credential.ts';

const authority = testAuthority({ trustDomain: 'outside.example' });
const { cert, key, ca } = authority.pems(authority.issue('spiffe://outside.example/client'));
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

type Values = Readonly<Record<string, string>>;

function secret(values: Values | undefined, name = 'client'): Secret | undefined {
  return values && secretResource({ namespace: 'shop', name, type: 'Opaque' }, values);
}

function answer(named: Values | undefined, more: { authorities?: Values; isShown?: boolean } = {}) {
  return secretCredential({
    reference: 'shop/client',
    named: secret(named),
    authorities: secret(more.authorities, 'client-cacert'),
    isShown: more.isShown ?? true,
  });
}

const given = { certificate: cert, privateKey: key, authorities: ca, revocationList: undefined };
const tls = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca };

it.each<[string, Values]>([
  ['kubernetes.io/tls', tls],
  ['generic', { cert, key, cacert: ca }],
  ['both, of which the generic ones count', { ...tls, 'tls.key': otherKey, cert, key }],
  ['generic ones that are empty beside the others', { ...tls, cert: '', key: '' }],
])('reads the keys of a Secret that is %s', (_, values) => {
  expect(answer(values)).toEqual({ credential: given });
});

it('takes authorities of the Secret with -cacert behind its name first', () => {
  const pair = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': 'not these' };
  expect(answer(pair, { authorities: { 'ca.crt': ca } })).toEqual({ credential: given });
});

it('gives authorities and no key where no certificate is shown', () => {
  const authoritiesOnly = { ...given, certificate: undefined, privateKey: undefined };
  expect(answer(tls, { isShown: false })).toEqual({ credential: authoritiesOnly });
  expect(answer(undefined, { isShown: false, authorities: { cacert: ca } })).toEqual({
    credential: authoritiesOnly,
  });
});

it.each<[string, Values | undefined, RegExp]>([
  ['it is not there', undefined, /there is no Secret shop\/client; create it/],
  ['it is empty', {}, /no authorities in cacert or ca.crt; it is empty/],
  [
    'it has no key',
    { 'tls.crt': cert, cacert: ca },
    /no certificate with its key.*it has tls.crt, cacert/,
  ],
  ['its key is another', { ...tls, 'tls.key': otherKey }, /key does not belong to its certificate/],
  ['its key is none', { ...tls, 'tls.key': 'x' }, /not a private key in PEM without a passphrase/],
  ['its certificate is none', { ...tls, 'tls.crt': 'x' }, /its certificate is none in PEM/],
  ['its authorities are none', { ...tls, 'ca.crt': 'x' }, /the authorities.*no certificate in PEM/],
])('says so in one sentence when %s, and quotes no value', (_, values, sentence) => {
  const { problem = '' } = answer(values) as { problem?: string };
  expect(problem).toMatch(sentence);
  expect(problem).toMatch(/^credentialName: [^\n]+$/);
  for (const value of Object.values(values ?? {}))
    if (value.length > 1) expect(problem).not.toContain(value.trim().split('\n')[1] ?? value);
});

it.each<[string, string, string, boolean]>([
  ['istio-system', 'istio-ca-secret', 'istio.io/ca-root', true],
  ['istio-system', 'cacerts', 'Opaque', true],
  ['istio-system', 'hauberk-api-client-ca', 'hauberk.dev/api-client-ca', true],
  ['shop', 'token', 'security.hauberk.dev/enrolment-token', true],
  ['shop', 'cacerts', 'Opaque', false],
  ['shop', 'client', 'kubernetes.io/tls', false],
])('%s/%s of type %s is one of the mesh: %s', (namespace, name, type, expected) => {
  const resource = secretResource({ namespace, name, type }, {});
  expect(isOwnSecret(resource, 'istio-system')).toBe(expected);
});
