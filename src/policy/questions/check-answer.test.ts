import { describe, expect, it } from 'vitest';
import {
  allow,
  authorizationPolicy,
  deny,
  dryRun,
  fromSource,
  peerAuthentication,
  service,
  toOperation,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { Resource } from '../../resources/resource.ts';
import { type CheckAnswer, Checker } from './check-answer.ts';
import type { CheckQuestion } from './check-question.ts';
import { meshInventory } from './mesh-inventory.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const reviews = { namespace: 'shop', labels: { app: 'reviews' }, port: 8080 };
const frontend = { principal: 'cluster.local/ns/shop/sa/frontend' };

function ask(resources: readonly object[], question: Partial<CheckQuestion>) {
  const checker = new Checker(meshInventory(resources as readonly Resource[]), { nowMs: NOW });
  return checker.answer({ source: frontend, destination: reviews, ...question });
}

function answer(resources: readonly object[], question: Partial<CheckQuestion> = {}): CheckAnswer {
  const given = ask(resources, question);
  if ('problem' in given) throw new Error(given.problem);
  return given;
}

const get = { http: { method: 'GET', path: '/a' } };

describe('what is said of the caller', () => {
  const notesOn = (source: CheckQuestion['source']) => answer([], { source, ...get }).notes;

  it('notes a namespace that decides nothing', () => {
    expect(notesOn({ namespace: 'shop' })).toEqual([
      expect.stringContaining('source.principal is not given'),
    ]);
    expect(notesOn({ ...frontend, namespace: 'sho' })).toEqual([
      expect.stringContaining('not source.namespace'),
    ]);
    expect(notesOn({ ...frontend, namespace: 'shop' })).toEqual([]);
  });
});

describe('an answer', () => {
  it.each<[string, readonly object[], Partial<CheckQuestion>, Partial<CheckAnswer>]>([
    ['no policy', [], {}, { verdict: 'allow', status: null, action: null, policy: null }],
    ['no policy on a request', [], get, { verdict: 'allow', status: 200, action: null }],
    [
      'an ALLOW rule',
      [allow([fromSource({ namespaces: ['bank'] }), {}])],
      get,
      { verdict: 'allow', status: 200, action: 'ALLOW', policy: 'shop/policy', rule: 1 },
    ],
    [
      'no ALLOW rule',
      [allow([fromSource({ namespaces: ['bank'] })])],
      get,
      { verdict: 'deny', status: 403, action: 'ALLOW', policy: null, rule: null },
    ],
    [
      'a DENY rule',
      [deny([{}])],
      {},
      { verdict: 'deny', status: null, action: 'DENY', policy: 'shop/policy', rule: 0 },
    ],
    [
      'a CUSTOM rule whose provider nobody knows',
      [authorizationPolicy({ action: 'CUSTOM', provider: { name: 'x' }, rules: [{}] })],
      get,
      { verdict: 'deny', status: 403, action: 'CUSTOM', policy: 'shop/policy' },
    ],
    [
      'plaintext to a port that is STRICT',
      [peerAuthentication({ mtls: { mode: 'STRICT' } }), allow([{}])],
      { source: {} },
      { verdict: 'deny', status: null, action: 'MTLS', policy: 'shop/default' },
    ],
    [
      'a protocol that shows no HTTP',
      [deny([toOperation({ methods: ['POST'] })])],
      { ...get, destination: { ...reviews, protocol: 'TCP' } },
      { verdict: 'deny', status: null },
    ],
    [
      'the protocol gRPC without more',
      [deny([toOperation({ methods: ['POST'] })])],
      { destination: { ...reviews, protocol: 'GRPC' } },
      { verdict: 'allow', status: 200 },
    ],
    [
      'an identity with its scheme',
      [allow([fromSource({ principals: [frontend.principal] })])],
      { source: { principal: `spiffe://${frontend.principal}` } },
      { verdict: 'allow' },
    ],
  ])('on %s', (_, resources, question, expected) => {
    expect(answer(resources, question)).toMatchObject(expected);
  });

  it('tells every rule that was asked, and what was audited or tried', () => {
    const given = answer(
      [
        authorizationPolicy({ action: 'AUDIT', rules: [{}] }, { name: 'audit' }),
        dryRun(deny([{}], { name: 'try' })),
        deny([toOperation({ paths: ['/b'] })], { name: 'no-b' }),
        allow([{}]),
      ],
      get,
    );
    expect(given.trace.map(({ stage, policy, matched }) => [stage, policy, matched])).toEqual([
      ['AUDIT', 'shop/audit', true],
      ['DENY', 'shop/try', true],
      ['DENY', 'shop/no-b', false],
      ['ALLOW', 'shop/policy', true],
    ]);
    expect(given.audited).toEqual(['shop/audit[0]']);
    expect(given.dryRun).toEqual(['DENY policies would deny by shop/try[0]']);
  });

  it('leaves out of the trace what is too much', () => {
    const rules = Array.from({ length: 600 }, () => fromSource({ namespaces: ['bank'] }));
    const given = answer([allow(rules, { name: 'a' }), allow(rules, { name: 'b' })]);
    expect([given.trace.length, given.leftOut]).toEqual([1_000, 200]);
  });
});

describe('the workload of a question', () => {
  const named = (workload: string, port?: number): Partial<CheckQuestion> => ({
    destination: { namespace: 'shop', workload, port },
  });
  const entry = workloadEntry({ ports: { http: 9080 } });
  const targeted = service({ ports: [{ name: 'http', port: 80, targetPort: 9080 }] });

  it.each<[string, readonly object[], string]>([
    ['a WorkloadEntry', [entry], 'reviews-1'],
    ['a Service', [entry, { ...targeted, metadata: { name: 'r', namespace: 'shop' } }], 'r'],
    ['a ServiceAccount that it runs as', [entry], 'reviews'],
  ])('is found by the name of %s, with its port', (_, resources, name) => {
    const policy = allow([toOperation({ ports: ['9080'] })]);
    const given = answer([...resources, policy], named(name));
    expect(given).toMatchObject({ verdict: 'allow', workload: 'shop/reviews-1' });
    expect(given.notes).toEqual(['no port is given, so 9080 is taken']);
  });

  it('has the labels that the Service selects where none is known', () => {
    const policy = deny([{}]);
    const selected = {
      ...policy,
      spec: { ...policy.spec, selector: { matchLabels: { app: 'reviews' } } },
    };
    expect(answer([service(), selected], named('reviews', 80)).verdict).toBe('deny');
    expect(answer([selected], named('reviews', 80)).verdict).toBe('deny');
    expect(answer([selected], named('other', 80)).verdict).toBe('allow');
  });

  it('is refused where others are known', () => {
    expect(ask([entry], named('reveiws'))).toEqual({
      problem:
        'no workload, Service or ServiceAccount is named "shop/reveiws"; the namespace has reviews-1',
    });
  });
});

describe('a token in a question', () => {
  const claims = {
    iss: 'idp',
    sub: 'ann',
    aud: 'shop',
    exp: NOW / 1_000 + 60,
    scope: 'read write',
  };
  const wants = allow([
    {
      ...fromSource({ requestPrincipals: ['idp/ann'] }),
      when: [{ key: 'request.auth.claims[scope]', values: ['write'] }],
    },
  ]);
  const people = (namespace = 'shop') => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'people', namespace },
    spec: { jwtRules: [{ issuer: 'idp', audiences: ['shop'] }] },
  });
  const encoded = Buffer.from(JSON.stringify(claims)).toString('base64url');

  it.each<[string, CheckQuestion['jwt'], readonly object[], Partial<CheckAnswer>]>([
    ['good', claims, [people()], { verdict: 'allow' }],
    ['good and whole', `e30.${encoded}.x`, [people()], { verdict: 'allow' }],
    ['of another issuer', { ...claims, iss: 'x' }, [people()], { status: 401, action: 'JWT' }],
    ['for another audience', { ...claims, aud: 'x' }, [people()], { status: 403, action: 'JWT' }],
    ['expired', { ...claims, exp: NOW / 1_000 - 61 }, [people()], { status: 401 }],
    ['not valid yet', { ...claims, nbf: NOW / 1_000 + 61 }, [people()], { status: 401 }],
    ['that nobody looks at', claims, [people('bank')], { status: 403, action: 'ALLOW' }],
    ['where nothing is known of tokens', claims, [], { verdict: 'allow' }],
  ])('%s', (_, jwt, resources, expected) => {
    expect(answer([wants, ...resources], { jwt })).toMatchObject(expected);
  });

  it.each(['x', 'a.b.c', 'a.b', `e30.${Buffer.from('[]').toString('base64url')}.x`])(
    'that is %s is refused',
    (jwt) => {
      expect(ask([wants], { jwt })).toEqual({
        problem: 'jwt: is not a token of three parts with a JSON object in the second',
      });
    },
  );
});
