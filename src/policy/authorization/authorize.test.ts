import { describe, expect, it } from 'vitest';
import {
  allow,
  authorizationPolicy,
  connection,
  decide,
  deny,
  dryRun,
  explain,
  fromSource,
  type PolicyRule,
  type PolicySpec,
  plaintext,
  reviews,
  ruleMatches,
  settings,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import type { ConnectionFacts } from './call.ts';
import { compileAuthorization } from './compile-authorization.ts';

const products = connection();
const teller = connection({ principal: 'cluster.local/ns/bank/sa/teller' });
const fromProducts = fromSource({ principals: ['cluster.local/ns/shop/sa/products'] });
const fromTeller = fromSource({ principals: ['cluster.local/ns/bank/sa/teller'] });

const audit = (rules: readonly PolicyRule[], name = 'audit'): AuthorizationPolicy =>
  authorizationPolicy({ action: 'AUDIT', rules }, { name });
const custom = (rules: readonly PolicyRule[]): AuthorizationPolicy =>
  authorizationPolicy({ action: 'CUSTOM', provider: { name: 'opa' }, rules }, { name: 'ask' });
const ref = (name: string, rule = 0) => ({ namespace: 'shop', name, rule });

describe('an empty policy', () => {
  it.each<[PolicySpec['action'], 'allow' | 'deny', number, 'allow' | 'deny', number]>([
    // action, verdict without rules, audited; verdict with `rules: [{}]`, audited
    ['ALLOW', 'deny', 0, 'allow', 0],
    ['DENY', 'allow', 0, 'deny', 0],
    ['AUDIT', 'allow', 0, 'allow', 1],
    ['CUSTOM', 'allow', 0, 'deny', 0],
  ])('with action %s', (action = 'ALLOW', none, auditedNone, empty, auditedEmpty) => {
    for (const spec of [{ action }, { action, rules: [] }]) {
      const decision = decide([authorizationPolicy(spec)]);
      expect(decision.verdict).toBe(none);
      expect(decision.audited).toHaveLength(auditedNone);
    }
    const decision = decide([authorizationPolicy({ action, rules: [{}] })]);
    expect(decision.verdict).toBe(empty);
    expect(decision.audited).toHaveLength(auditedEmpty);
  });

  it.each<[string, PolicyRule]>([
    ['from', { from: [] }],
    ['to', { to: [] }],
    ['when', { when: [] }],
    ['source', { from: [{ source: {} }] }],
    ['source missing', { from: [{}] }],
    ['operation', { to: [{ operation: {} }] }],
    ['operation missing', { to: [{}] }],
    ['values', { from: [{ source: { principals: [] } }] }],
  ])('puts no constraint on callers where %s is empty', (_, rule) => {
    expect(ruleMatches(rule, plaintext)).toBe(true);
  });
});

describe('the structure of a rule', () => {
  const yes = { ports: ['8080'] };
  const no = { ports: ['1'] };
  const holds = { key: 'source.ip', values: ['10.0.0.0/8'] };
  const fails = { key: 'source.ip', values: ['11.0.0.0/8'] };
  const mine = { principals: ['*/products'] };
  const others = { principals: ['*/teller'] };

  it.each<[string, PolicyRule, boolean]>([
    ['one of two sources', { from: [{ source: others }, { source: mine }] }, true],
    ['none of two sources', { from: [{ source: others }, { source: others }] }, false],
    ['one of two operations', { to: [{ operation: no }, { operation: yes }] }, true],
    ['none of two operations', { to: [{ operation: no }, { operation: no }] }, false],
    ['both conditions', { when: [holds, holds] }, true],
    ['one condition only', { when: [holds, fails] }, false],
    [
      'from, to and when',
      { from: [{ source: mine }], to: [{ operation: yes }], when: [holds] },
      true,
    ],
    ['not from', { from: [{ source: others }], to: [{ operation: yes }], when: [holds] }, false],
    ['not to', { from: [{ source: mine }], to: [{ operation: no }], when: [holds] }, false],
    ['not when', { from: [{ source: mine }], to: [{ operation: yes }], when: [fails] }, false],
    ['both fields of a source', fromSource({ ...mine, ipBlocks: ['10.0.0.0/8'] }), true],
    ['one field of a source', fromSource({ ...mine, ipBlocks: ['11.0.0.0/8'] }), false],
    [
      'fields of different sources',
      {
        from: [
          { source: { ...mine, namespaces: ['bank'] } },
          { source: { ...others, namespaces: ['shop'] } },
        ],
      },
      false,
    ],
    ['none of the not-values', toOperation({ notPorts: ['1', '2'] }), true],
    ['one of the not-values', toOperation({ notPorts: ['1', '8080'] }), false],
  ])('with %s holding', (_, rule, expected) => {
    expect(ruleMatches(rule, products)).toBe(expected);
  });
});

describe('the order of evaluation', () => {
  const allowAll = allow([{}], { name: 'allow' });
  const denyAll = deny([{}], { name: 'deny' });

  it.each<[string, readonly AuthorizationPolicy[], ConnectionFacts, string]>([
    ['no policy', [], products, 'allow'],
    ['ALLOW matches', [allow([fromProducts])], products, 'allow by policy[0]'],
    ['ALLOW does not match', [allow([fromProducts])], teller, 'deny'],
    [
      'the second rule matches',
      [allow([fromTeller, fromProducts])],
      products,
      'allow by policy[1]',
    ],
    [
      'one of two ALLOW policies matches',
      [allow([fromTeller], { name: 'a' }), allow([fromProducts], { name: 'b' })],
      products,
      'allow by b[0]',
    ],
    ['DENY over ALLOW', [allowAll, denyAll], products, 'deny by deny[0]'],
    ['DENY does not match', [deny([fromTeller]), allowAll], products, 'allow by allow[0]'],
    ['DENY alone does not match', [deny([fromTeller])], products, 'allow'],
    ['CUSTOM over DENY', [denyAll, custom([{}])], products, 'deny by ask[0]'],
    ['CUSTOM does not match', [custom([fromTeller])], products, 'allow'],
    ['AUDIT decides nothing', [audit([{}]), allow([fromTeller])], products, 'deny'],
    [
      'a root ALLOW adds to the others',
      [allow([fromTeller]), allow([fromProducts], { name: 'root', namespace: 'istio-system' })],
      products,
      'allow by root[0]',
    ],
    [
      'an ALLOW for another port denies this one',
      [allow([toOperation({ ports: ['1'] })])],
      products,
      'deny',
    ],
  ])('when %s', (_, policies, facts, expected) => {
    const decision = decide(policies, facts);
    const by = 'by' in decision ? decision.by : undefined;
    expect(decision.verdict + (by === undefined ? '' : ` by ${by.name}[${by.rule}]`)).toBe(
      expected,
    );
  });

  it('reports every AUDIT rule that matched, whatever the verdict', () => {
    const audits = [audit([fromProducts, fromTeller, {}], 'a'), audit([{}], 'b')];
    const audited = [ref('a', 0), ref('a', 2), ref('b', 0)];
    expect(decide(audits)).toEqual({ verdict: 'allow', by: undefined, audited, shadow: [] });
    expect(decide([...audits, denyAll])).toMatchObject({ verdict: 'deny', audited });
    expect(decide([...audits, custom([{}])])).toMatchObject({ verdict: 'deny', audited: [] });
  });
});

describe('a dry run', () => {
  const dryAllow = (rule: PolicyRule) => dryRun(allow([rule], { name: 'dry-allow' }));
  const dryDeny = (rule: PolicyRule) => dryRun(deny([rule], { name: 'dry-deny' }));
  const denied = { action: 'DENY', verdict: 'deny', by: ref('dry-deny') };
  const undenied = { action: 'DENY', verdict: 'allow', by: undefined };
  const allowed = { action: 'ALLOW', verdict: 'allow', by: ref('dry-allow') };
  const unallowed = { action: 'ALLOW', verdict: 'deny', by: undefined };

  it.each<[string, readonly AuthorizationPolicy[], 'allow' | 'deny', readonly object[]]>([
    ['ALLOW that matches', [dryAllow(fromProducts)], 'allow', [allowed]],
    ['ALLOW alone, without making a default deny', [dryAllow(fromTeller)], 'allow', [unallowed]],
    [
      'ALLOW beside an enforced one',
      [dryAllow(fromProducts), allow([fromTeller])],
      'deny',
      [allowed],
    ],
    ['DENY that matches', [dryDeny(fromProducts)], 'allow', [denied]],
    ['DENY that does not', [dryDeny(fromTeller)], 'allow', [undenied]],
    ['DENY beside an enforced one', [dryDeny({}), deny([{}])], 'deny', [denied]],
    ['both', [dryAllow({}), dryDeny({})], 'allow', [denied, allowed]],
    ['ALLOW behind an enforced DENY', [dryAllow({}), deny([{}])], 'deny', []],
    ['DENY behind CUSTOM', [dryDeny({}), custom([{}])], 'deny', []],
    ['ALLOW without rules', [dryRun(allow([]))], 'allow', [unallowed]],
    ['AUDIT, which validation refuses', [dryRun(audit([{}]))], 'allow', []],
    ['CUSTOM, which validation refuses', [dryRun(custom([{}]))], 'allow', []],
    ['a word that is not true', [dryRun(deny([{}]), 'no')], 'deny', []],
  ])('of %s', (_, policies, verdict, shadow) => {
    const decision = decide(policies);
    expect(decision.verdict).toBe(verdict);
    expect(decision.shadow).toEqual(shadow);
  });
});

describe('the explanation', () => {
  const callers = (rules: readonly PolicyRule[]) => allow(rules, { name: 'reviews-callers' });
  const frontend = connection({ principal: 'cluster.local/ns/shop/sa/frontend' });
  const shop = 'AuthorizationPolicy shop';

  it.each<[string, readonly AuthorizationPolicy[], ConnectionFacts, string]>([
    [
      'no policy',
      [],
      products,
      'allowed: no AuthorizationPolicy with action ALLOW applies to the workload',
    ],
    ['ALLOW', [callers([fromProducts])], products, `${shop}/reviews-callers rule[0]: allowed`],
    [
      'the wrong caller',
      [callers([fromProducts])],
      frontend,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: principals ["cluster.local/ns/shop/sa/products"] do not match "cluster.local/ns/shop/sa/frontend"`,
    ],
    [
      'plaintext',
      [callers([fromProducts])],
      plaintext,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: principals ["cluster.local/ns/shop/sa/products"] do not match a plaintext caller, which has no identity`,
    ],
    [
      'the wrong port',
      [callers([{ ...fromProducts, ...toOperation({ ports: ['80', '81'] }) }])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: ports ["80", "81"] do not match "8080"`,
    ],
    [
      'a negation',
      [callers([fromSource({ notNamespaces: ['shop'] })])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: notNamespaces ["shop"] match "cluster.local/ns/shop/sa/products"`,
    ],
    [
      'a condition',
      [callers([when({ key: 'connection.sni', values: ['x'] })])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: when connection.sni values ["x"] do not match a connection without server name`,
    ],
    [
      'two sources',
      [
        callers([
          { from: [{ source: { namespaces: ['a'] } }, { source: { ipBlocks: ['1.2.3.4'] } }] },
        ]),
      ],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: namespaces ["a"] do not match "cluster.local/ns/shop/sa/products"; ipBlocks ["1.2.3.4"] do not match "10.0.1.7"`,
    ],
    [
      'allow-nothing',
      [callers([])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: the policy has no rules and therefore allows nothing`,
    ],
    [
      'HTTP fields',
      [callers([toOperation({ methods: ['GET'] })])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: methods ["GET"] can be seen in HTTP only, so an ALLOW rule with it matches no TCP connection`,
    ],
    [
      'an unknown key',
      [callers([when({ key: 'a\nb', values: ['x'] })])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: when a\\nb values is no attribute, so the rule is left out`,
    ],
    [
      'DENY',
      [deny([fromTeller], { name: 'no-bank' })],
      teller,
      `${shop}/no-bank rule[0]: denied, principals ["cluster.local/ns/bank/sa/teller"] match "cluster.local/ns/bank/sa/teller"`,
    ],
    [
      'DENY of everything',
      [deny([{}], { name: 'all' })],
      products,
      `${shop}/all rule[0]: denied, the rule matches every TCP connection`,
    ],
    [
      'DENY made wider by TCP',
      [deny([toOperation({ methods: ['POST'], ports: ['8080'] })], { name: 'post' })],
      products,
      `${shop}/post rule[0]: denied, ports ["8080"] match "8080"; methods ["POST"] can be seen in HTTP only, so it is left out and the rule matches more TCP connections`,
    ],
    [
      'CUSTOM',
      [custom([fromSource({ ipBlocks: ['10.0.0.0/8'] })])],
      products,
      `${shop}/ask rule[0]: denied, ipBlocks ["10.0.0.0/8"] match "10.0.1.7"; the policy has action CUSTOM and its provider "opa" is not defined as one that can be asked, so what it matches is denied`,
    ],
    [
      'a hostile server name',
      [callers([when({ key: 'connection.sni', values: ['x'] })])],
      connection({ sni: 'a\r\nb\u00e9"' }),
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: when connection.sni values ["x"] do not match "a\\r\\nb\\u00e9\\""`,
    ],
    [
      'a long list',
      [callers([toOperation({ ports: ['1', '2', '3', '4', '5', '6'] })])],
      products,
      `denied, no ALLOW rule matches: ${shop}/reviews-callers rule[0]: ports ["1", "2", "3", "4" and 2 more] do not match "8080"`,
    ],
  ])('says what decided: %s', (_, policies, facts, expected) => {
    expect(explain(policies, facts)).toBe(expected);
  });

  it('names the nearest eight rules, nearest first', () => {
    const far = { ...fromTeller, ...toOperation({ ports: ['1'] }) };
    const rules = [...Array.from({ length: 19 }, () => far), fromTeller];
    expect(explain([callers(rules)])).toMatch(
      /^denied, no ALLOW rule matches: \S+ \S+ rule\[19\]: .*; \S+ \S+ rule\[0\]: .* and 12 more$/,
    );
  });

  it('gives one ready decision for all connections that a rule allows', () => {
    const authorization = compileAuthorization([allow([fromProducts])], reviews, settings);
    const first = authorization.authorizeConnection(products);
    expect(first).toEqual({ verdict: 'allow', by: ref('policy'), audited: [], shadow: [] });
    expect(authorization.authorizeConnection(connection({ destinationPort: 1 }))).toBe(first);
  });
});
