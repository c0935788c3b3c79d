import { describe, expect, it } from 'vitest';
import {
  allow,
  authorizationPolicy,
  connection,
  decide,
  deny,
  dryRun,
  fromSource,
  type PolicyRule,
  type PolicySpec,
  reviews,
  settings,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { compileAuthorization } from './compile-authorization.ts';

const names = (policies: readonly AuthorizationPolicy[]): string[] =>
  compileAuthorization(policies, reviews, settings).policies.map(
    ({ namespace, name, action }) => `${action} ${namespace}/${name}`,
  );

describe('attachment', () => {
  const selector = { matchLabels: { app: 'reviews' } };
  const other = { matchLabels: { app: 'products' } };
  const target = { group: '', kind: 'Service', name: 'reviews' };

  it.each<[string, PolicySpec, string, boolean]>([
    ['its namespace', {}, 'shop', true],
    ['its namespace, selecting it', { selector }, 'shop', true],
    ['its namespace, empty selector', { selector: {} }, 'shop', true],
    ['its namespace, no labels in the selector', { selector: { matchLabels: {} } }, 'shop', true],
    ['its namespace, selecting another', { selector: other }, 'shop', false],
    ['another namespace', {}, 'bank', false],
    ['another namespace, selecting its labels', { selector }, 'bank', false],
    ['the root namespace', {}, 'istio-system', true],
    ['the root namespace, selecting it', { selector }, 'istio-system', true],
    ['the root namespace, selecting another', { selector: other }, 'istio-system', false],
    ['its namespace, with targetRef', { targetRef: target }, 'shop', false],
    ['its namespace, with targetRefs', { targetRefs: [target] }, 'shop', false],
    ['its namespace, with empty targetRefs', { targetRefs: [] }, 'shop', true],
  ])('of a policy in %s', (_, spec, namespace, expected) => {
    expect(names([authorizationPolicy(spec, { namespace })])).toHaveLength(expected ? 1 : 0);
  });

  it('orders policies by action, namespace and name, whatever their order was', () => {
    const policies = [
      allow([{}], { name: 'b' }),
      allow([{}], { name: 'a' }),
      allow([{}], { name: 'z', namespace: 'istio-system' }),
      deny([{}], { name: 'y' }),
      authorizationPolicy({ action: 'AUDIT' }, { name: 'x' }),
      authorizationPolicy({ action: 'CUSTOM' }, { name: 'w' }),
    ];
    const expected = [
      'CUSTOM shop/w',
      'AUDIT shop/x',
      'DENY shop/y',
      'ALLOW istio-system/z',
      'ALLOW shop/a',
      'ALLOW shop/b',
    ];
    expect(names(policies)).toEqual(expected);
    expect(names(policies.toReversed())).toEqual(expected);
  });

  it('takes a policy without action as ALLOW', () => {
    expect(names([authorizationPolicy({})])).toEqual(['ALLOW shop/policy']);
  });

  it.each([
    ['1', true],
    ['t', true],
    ['T', true],
    ['true', true],
    ['TRUE', true],
    ['True', true],
    ['0', false],
    ['false', false],
    ['yes', false],
    ['tRUE', false],
    ['', false],
  ])('reads the dry-run annotation "%s" as Go does', (word, expected) => {
    const set = compileAuthorization([dryRun(deny([{}]), word)], reviews, settings);
    expect(set.policies.map((policy) => policy.dryRun)).toEqual([expected]);
  });
});

describe('the TCP rendering', () => {
  const http = { methods: ['POST'] };
  const products = { principals: ['*/sa/products'] };
  const teller = { principals: ['*/sa/teller'] };

  // the connection is from products to port 8080; DENY gives "deny" where its rule matches
  it.each<[string, PolicyRule, 'allow' | 'deny', 'allow' | 'deny']>([
    ['methods', toOperation(http), 'deny', 'deny'],
    ['notMethods', toOperation({ notMethods: ['POST'] }), 'deny', 'deny'],
    ['hosts', toOperation({ hosts: ['a'] }), 'deny', 'deny'],
    ['notHosts', toOperation({ notHosts: ['a'] }), 'deny', 'deny'],
    ['paths', toOperation({ paths: ['/a'] }), 'deny', 'deny'],
    ['notPaths', toOperation({ notPaths: ['/a'] }), 'deny', 'deny'],
    ['requestPrincipals', fromSource({ requestPrincipals: ['*'] }), 'deny', 'deny'],
    ['notRequestPrincipals', fromSource({ notRequestPrincipals: ['*'] }), 'deny', 'deny'],
    ['request.headers', when({ key: 'request.headers[x]', values: ['a'] }), 'deny', 'deny'],
    [
      'request.auth.principal',
      when({ key: 'request.auth.principal', values: ['*'] }),
      'deny',
      'deny',
    ],
    [
      'request.auth.audiences',
      when({ key: 'request.auth.audiences', values: ['a'] }),
      'deny',
      'deny',
    ],
    [
      'request.auth.presenter',
      when({ key: 'request.auth.presenter', values: ['a'] }),
      'deny',
      'deny',
    ],
    [
      'request.auth.claims',
      when({ key: 'request.auth.claims[a]', notValues: ['a'] }),
      'deny',
      'deny',
    ],
    ['methods on this port', toOperation({ ...http, ports: ['8080'] }), 'deny', 'deny'],
    ['methods on another port', toOperation({ ...http, ports: ['9090'] }), 'deny', 'allow'],
    ['methods from this caller', { ...toOperation(http), ...fromSource(products) }, 'deny', 'deny'],
    [
      'methods from another caller',
      { ...toOperation(http), ...fromSource(teller) },
      'deny',
      'allow',
    ],
    [
      'methods in one operation of two',
      { to: [{ operation: http }, { operation: { ports: ['8080'] } }] },
      'deny',
      'deny',
    ],
    ['a bad range', fromSource({ ipBlocks: ['10.0.0.0/33'] }), 'deny', 'deny'],
    [
      'a bad range beside a good one that fits',
      fromSource({ ipBlocks: ['x', '10.0.0.0/8'] }),
      'deny',
      'deny',
    ],
    [
      'a bad range beside a good one that does not',
      fromSource({ ipBlocks: ['x', '11.0.0.0/8'] }),
      'deny',
      'allow',
    ],
    ['a bad range negated', fromSource({ notIpBlocks: ['x'] }), 'deny', 'deny'],
    ['a range with zone', fromSource({ ipBlocks: ['fe80::1%eth0'] }), 'deny', 'deny'],
    ['a bad port', toOperation({ ports: ['http'] }), 'deny', 'deny'],
    ['a port out of range', toOperation({ ports: ['65536'] }), 'deny', 'deny'],
    ['a signed port', toOperation({ ports: ['+8080'] }), 'deny', 'deny'],
    [
      'Envoy metadata without key',
      when({ key: 'experimental.envoy.filters.a', values: ['b'] }),
      'deny',
      'deny',
    ],
    ['an unknown key', when({ key: 'destination.labels[app]', values: ['a'] }), 'deny', 'allow'],
    [
      'an unknown key beside one that fits',
      {
        when: [
          { key: 'source.ip', values: ['10.0.0.0/8'] },
          { key: 'x', values: ['a'] },
        ],
      },
      'deny',
      'allow',
    ],
    ['a key without values', when({ key: 'source.ip' }), 'allow', 'deny'],
  ])('of %s', (_, rule, whenAllow, whenDeny) => {
    expect(decide([allow([rule])]).verdict).toBe(whenAllow);
    expect(decide([deny([rule])]).verdict).toBe(whenDeny);
  });

  it('drops the one ALLOW rule and keeps its neighbours', () => {
    expect(decide([allow([toOperation(http), fromSource(products)])])).toMatchObject({
      verdict: 'allow',
      by: { rule: 1 },
    });
  });

  it('leaves HTTP predicates out of AUDIT rules as it does for DENY', () => {
    const audit = authorizationPolicy({ action: 'AUDIT', rules: [toOperation(http)] });
    expect(decide([audit]).audited).toEqual([{ namespace: 'shop', name: 'policy', rule: 0 }]);
  });
});

describe('trust domain aliases', () => {
  const at = {
    settings: { ...settings, trustDomain: 'new.org', trustDomainAliases: ['old.org', 'older-td'] },
  };
  const callers = ['new.org', 'old.org', 'older-td', 'cluster.local', 'x-td', 'foreign'];

  /** Of which of the trust domains above the account `shop/a` is let in. */
  const allowed = (rule: PolicyRule): string[] =>
    callers.filter(
      (domain) =>
        decide([allow([rule])], connection({ principal: `${domain}/ns/shop/sa/a` }), at).verdict ===
        'allow',
    );

  it.each<[string, PolicyRule, string[]]>([
    [
      'the own one',
      fromSource({ principals: ['new.org/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'an alias',
      fromSource({ principals: ['old.org/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'cluster.local, which points to ours',
      fromSource({ principals: ['cluster.local/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    ['a foreign one', fromSource({ principals: ['foreign/ns/shop/sa/a'] }), ['foreign']],
    ['another account', fromSource({ principals: ['new.org/ns/shop/sa/b'] }), []],
    ['any', fromSource({ principals: ['*/ns/shop/sa/a'] }), callers],
    ['not of five parts', fromSource({ principals: ['new.org/ns/shop/*'] }), ['new.org']],
    [
      'a prefix in the account',
      fromSource({ principals: ['new.org/ns/shop/sa/*'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'a suffix that fits ours',
      fromSource({ principals: ['*-td/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td', 'x-td'],
    ],
    [
      'a suffix that fits none of ours',
      fromSource({ principals: ['*eign/ns/shop/sa/a'] }),
      ['foreign'],
    ],
    [
      'a prefix that fits ours',
      fromSource({ principals: ['old*/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'negated',
      fromSource({ notPrincipals: ['old.org/ns/shop/sa/a'] }),
      ['cluster.local', 'x-td', 'foreign'],
    ],
    [
      'a condition',
      when({ key: 'source.principal', values: ['old.org/ns/shop/sa/a'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'trustDomains, ours',
      fromSource({ trustDomains: ['old.org'] }),
      ['new.org', 'old.org', 'older-td'],
    ],
    [
      'trustDomains, cluster.local is only itself',
      fromSource({ trustDomains: ['cluster.local'] }),
      ['cluster.local'],
    ],
    ['trustDomains, foreign', fromSource({ trustDomains: ['foreign'] }), ['foreign']],
    [
      'notTrustDomains',
      fromSource({ notTrustDomains: ['new.org'] }),
      ['cluster.local', 'x-td', 'foreign'],
    ],
    ['a namespace, in all trust domains', fromSource({ namespaces: ['shop'] }), callers],
    ['a service account, in all trust domains', fromSource({ serviceAccounts: ['a'] }), callers],
  ])('with %s', (_, rule, expected) => {
    expect(allowed(rule)).toEqual(expected);
  });
});
