import { describe, expect, it } from 'vitest';
import {
  allow,
  connection,
  decide,
  fromSource,
  type PolicyCondition,
  type PolicyRule,
  type PolicySource,
  plaintext,
  ruleMatches,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { ConnectionFacts } from './call.ts';

const caller = (principal: string): ConnectionFacts => connection({ principal });
const from = (sourceIp: string): ConnectionFacts => connection({ sourceIp });
const asking = (sni: string): ConnectionFacts => connection({ sni });

const products = connection();
const bank = caller('cluster.local/ns/bank/sa/teller');

describe('source fields', () => {
  it.each<[string, PolicySource, ConnectionFacts, boolean]>([
    ['exact', { principals: ['cluster.local/ns/shop/sa/products'] }, products, true],
    [
      'exact, another account',
      { principals: ['cluster.local/ns/shop/sa/reviews'] },
      products,
      false,
    ],
    ['exact is whole', { principals: ['cluster.local/ns/shop/sa/product'] }, products, false],
    ['a list is ORed', { principals: ['x', 'cluster.local/ns/shop/sa/products'] }, products, true],
    [
      'a scheme is not written',
      { principals: ['spiffe://cluster.local/ns/shop/sa/products'] },
      products,
      false,
    ],
    ['presence', { principals: ['*'] }, products, true],
    ['presence, plaintext', { principals: ['*'] }, plaintext, false],
    ['presence, empty identity', { principals: ['*'] }, caller(''), false],
    ['prefix', { principals: ['cluster.local/ns/shop/*'] }, products, true],
    ['prefix of another namespace', { principals: ['cluster.local/ns/shop/*'] }, bank, false],
    ['suffix', { principals: ['*/sa/products'] }, products, true],
    ['suffix of another account', { principals: ['*/sa/products'] }, bank, false],
    [
      'suffix over the trust domain',
      { principals: ['*local/ns/shop/sa/products'] },
      products,
      true,
    ],
    [
      'a leading star wins, the trailing one is literal',
      { principals: ['*products*'] },
      products,
      false,
    ],
    [
      'a star inside is literal',
      { principals: ['cluster.local/ns/*/sa/products'] },
      products,
      false,
    ],
    ['a star inside, caller with a star', { principals: ['a*b'] }, caller('a*b'), true],
    [
      'a dot is literal',
      { principals: ['*ns/shop/sa/a.b'] },
      caller('cluster.local/ns/shop/sa/aXb'),
      false,
    ],
    ['not, another', { notPrincipals: ['cluster.local/ns/bank/sa/teller'] }, products, true],
    ['not, that one', { notPrincipals: ['cluster.local/ns/bank/sa/teller'] }, bank, false],
    [
      'not is true on plaintext',
      { notPrincipals: ['cluster.local/ns/bank/sa/teller'] },
      plaintext,
      true,
    ],
    ['not anybody is true on plaintext', { notPrincipals: ['*'] }, plaintext, true],
    ['not anybody is false with identity', { notPrincipals: ['*'] }, products, false],
    ['both hold', { principals: ['*/products'], notPrincipals: ['*/teller'] }, products, true],
    [
      'one of both fails',
      { principals: ['*/products'], notPrincipals: ['*/products'] },
      products,
      false,
    ],
  ])('principals: %s', (_, source, facts, expected) => {
    expect(ruleMatches(fromSource(source), facts)).toBe(expected);
  });

  it.each<[string, PolicySource, ConnectionFacts, boolean]>([
    ['exact', { namespaces: ['shop'] }, products, true],
    ['another', { namespaces: ['bank'] }, products, false],
    ['exact is whole', { namespaces: ['sho'] }, products, false],
    ['in any trust domain', { namespaces: ['shop'] }, caller('other.org/ns/shop/sa/x'), true],
    ['plaintext', { namespaces: ['shop'] }, plaintext, false],
    ['prefix', { namespaces: ['sh*'] }, products, true],
    ['suffix', { namespaces: ['*op'] }, products, true],
    ['star inside', { namespaces: ['s*p'] }, products, true],
    ['two stars', { namespaces: ['*h*p'] }, products, true],
    ['any', { namespaces: ['*'] }, products, true],
    ['any needs an identity', { namespaces: ['*'] }, plaintext, false],
    ['any needs a namespace', { namespaces: ['*'] }, caller('cluster.local/vm/1'), false],
    [
      'a star crosses slashes',
      { namespaces: ['shop*products'] },
      caller('td/ns/shop/sa/products/x'),
      true,
    ],
    ['the account is not the namespace', { namespaces: ['products'] }, products, false],
    ['not, another', { notNamespaces: ['bank'] }, products, true],
    ['not, that one', { notNamespaces: ['shop'] }, products, false],
    ['not is true on plaintext', { notNamespaces: ['shop'] }, plaintext, true],
  ])('namespaces: %s', (_, source, facts, expected) => {
    expect(ruleMatches(fromSource(source), facts)).toBe(expected);
  });

  it.each<[string, PolicySource, ConnectionFacts, boolean]>([
    ['of the namespace of the policy', { serviceAccounts: ['products'] }, products, true],
    ['bare, of another namespace', { serviceAccounts: ['teller'] }, bank, false],
    ['with namespace', { serviceAccounts: ['bank/teller'] }, bank, true],
    ['with the wrong namespace', { serviceAccounts: ['bank/products'] }, products, false],
    [
      'in any trust domain',
      { serviceAccounts: ['shop/x'] },
      caller('other.org/ns/shop/sa/x'),
      true,
    ],
    ['beginning alike', { serviceAccounts: ['product'] }, products, false],
    ['ending alike', { serviceAccounts: ['ducts'] }, products, false],
    ['segments between', { serviceAccounts: ['shop/x'] }, caller('td/ns/shop/pod/1/sa/x'), true],
    ['segments behind', { serviceAccounts: ['shop/x'] }, caller('td/ns/shop/sa/x/pod/1'), true],
    ['a star is literal', { serviceAccounts: ['shop/*'] }, products, false],
    ['plaintext', { serviceAccounts: ['products'] }, plaintext, false],
    ['not, another', { notServiceAccounts: ['bank/teller'] }, products, true],
    ['not, that one', { notServiceAccounts: ['products'] }, products, false],
    ['not is true on plaintext', { notServiceAccounts: ['products'] }, plaintext, true],
  ])('serviceAccounts: %s', (_, source, facts, expected) => {
    expect(ruleMatches(fromSource(source), facts)).toBe(expected);
  });

  it('looks for a bare service account in the root namespace when the policy is there', () => {
    const policy = allow([fromSource({ serviceAccounts: ['gateway'] })], {
      namespace: 'istio-system',
    });
    const gateway = caller('cluster.local/ns/istio-system/sa/gateway');
    expect(decide([policy], gateway).verdict).toBe('allow');
    expect(decide([policy], caller('cluster.local/ns/shop/sa/gateway')).verdict).toBe('deny');
  });

  it.each<[string, PolicySource, ConnectionFacts, boolean]>([
    ['exact', { trustDomains: ['cluster.local'] }, products, true],
    ['another', { trustDomains: ['other.org'] }, products, false],
    ['exact is whole', { trustDomains: ['cluster'] }, products, false],
    ['any', { trustDomains: ['*'] }, caller('other.org/ns/x/sa/y'), true],
    ['any needs an identity', { trustDomains: ['*'] }, plaintext, false],
    ['any needs more than an empty identity', { trustDomains: ['*'] }, caller(''), false],
    ['prefix', { trustDomains: ['clus*'] }, products, true],
    ['suffix', { trustDomains: ['*.local'] }, products, true],
    ['suffix of another', { trustDomains: ['*.org'] }, products, false],
    ['a star does not cross slashes', { trustDomains: ['*shop'] }, products, false],
    ['not, another', { notTrustDomains: ['other.org'] }, products, true],
    ['not, that one', { notTrustDomains: ['cluster.local'] }, products, false],
    ['not is true on plaintext', { notTrustDomains: ['*'] }, plaintext, true],
  ])('trustDomains: %s', (_, source, facts, expected) => {
    expect(ruleMatches(fromSource(source), facts)).toBe(expected);
  });

  it.each<[string, PolicySource, ConnectionFacts, boolean]>([
    ['address', { ipBlocks: ['10.0.1.7'] }, products, true],
    ['another address', { ipBlocks: ['10.0.1.8'] }, products, false],
    ['range', { ipBlocks: ['10.0.0.0/16'] }, products, true],
    ['bits after the prefix do not count', { ipBlocks: ['10.0.99.99/16'] }, products, true],
    ['outside the range', { ipBlocks: ['10.1.0.0/16'] }, products, false],
    ['everything', { ipBlocks: ['0.0.0.0/0'] }, products, true],
    ['as Node reports it', { ipBlocks: ['127.0.0.0/8'] }, from('::ffff:127.0.0.1'), true],
    ['mapped in hexadecimal', { ipBlocks: ['127.0.0.0/8'] }, from('::ffff:7f00:1'), true],
    ['mapped range', { ipBlocks: ['::ffff:10.0.0.0/104'] }, products, true],
    ['IPv6', { ipBlocks: ['fd00::/8'] }, from('fd12:3456::1'), true],
    ['IPv6 outside', { ipBlocks: ['fd00::/8'] }, from('fe80::1'), false],
    ['IPv6 with zone', { ipBlocks: ['fe80::/10'] }, from('fe80::1%eth0'), true],
    ['IPv6 written otherwise', { ipBlocks: ['2001:db8:0:0:0:0:0:1'] }, from('2001:DB8::1'), true],
    ['IPv6 everything is not IPv4', { ipBlocks: ['::/0'] }, products, false],
    ['no address', { ipBlocks: ['0.0.0.0/0', '::/0'] }, from(''), false],
    ['not, outside', { notIpBlocks: ['10.1.0.0/16'] }, products, true],
    ['not, inside', { notIpBlocks: ['10.0.0.0/16'] }, products, false],
    ['remote is the peer on TCP', { remoteIpBlocks: ['10.0.0.0/16'] }, products, true],
    ['remote outside', { remoteIpBlocks: ['10.1.0.0/16'] }, products, false],
    ['not remote', { notRemoteIpBlocks: ['10.0.1.7'] }, products, false],
  ])('ipBlocks: %s', (_, source, facts, expected) => {
    expect(ruleMatches(fromSource(source), facts)).toBe(expected);
  });
});

describe('operation fields', () => {
  it.each<[string, PolicyRule, boolean]>([
    ['that one', toOperation({ ports: ['8080'] }), true],
    ['another', toOperation({ ports: ['80'] }), false],
    ['one of several', toOperation({ ports: ['80', '8080'] }), true],
    ['leading zero', toOperation({ ports: ['08080'] }), true],
    ['the highest beside it', toOperation({ ports: ['65535', '8080'] }), true],
    ['zero beside it', toOperation({ ports: ['0', '8080'] }), true],
    ['not another', toOperation({ notPorts: ['80'] }), true],
    ['not that one', toOperation({ notPorts: ['8080'] }), false],
  ])('ports: %s', (_, rule, expected) => {
    expect(ruleMatches(rule, connection({ destinationPort: 8080 }))).toBe(expected);
  });
});

describe('when keys', () => {
  const mesh = asking('outbound_.80_._.reviews.shop.svc.cluster.local');

  it.each<[string, PolicyCondition, ConnectionFacts, boolean]>([
    ['source.ip', { key: 'source.ip', values: ['10.0.0.0/16'] }, products, true],
    ['source.ip, outside', { key: 'source.ip', values: ['10.1.0.0/16'] }, products, false],
    ['source.ip, not', { key: 'source.ip', notValues: ['10.0.1.7'] }, products, false],
    ['remote.ip', { key: 'remote.ip', values: ['10.0.1.7'] }, products, true],
    ['source.namespace', { key: 'source.namespace', values: ['sh*'] }, products, true],
    ['source.namespace, not', { key: 'source.namespace', notValues: ['shop'] }, products, false],
    ['source.principal', { key: 'source.principal', values: ['*/products'] }, products, true],
    ['source.principal, plaintext', { key: 'source.principal', values: ['*'] }, plaintext, false],
    [
      'source.principal, not, plaintext',
      { key: 'source.principal', notValues: ['*'] },
      plaintext,
      true,
    ],
    [
      'source.serviceAccount',
      { key: 'source.serviceAccount', values: ['products'] },
      products,
      true,
    ],
    [
      'source.trustDomain',
      { key: 'source.trustDomain', values: ['cluster.local'] },
      products,
      true,
    ],
    ['destination.ip', { key: 'destination.ip', values: ['10.0.2.0/24'] }, products, true],
    [
      'destination.ip, outside',
      { key: 'destination.ip', values: ['10.0.3.0/24'] },
      products,
      false,
    ],
    ['destination.port', { key: 'destination.port', values: ['8080'] }, products, true],
    ['destination.port, not', { key: 'destination.port', notValues: ['8080'] }, products, false],
    ['connection.sni', { key: 'connection.sni', values: ['a.example'] }, asking('a.example'), true],
    [
      'connection.sni, case',
      { key: 'connection.sni', values: ['a.example'] },
      asking('A.example'),
      false,
    ],
    [
      'connection.sni, suffix',
      { key: 'connection.sni', values: ['*.shop.svc.cluster.local'] },
      mesh,
      true,
    ],
    ['connection.sni, prefix', { key: 'connection.sni', values: ['outbound_*'] }, mesh, true],
    ['connection.sni, none', { key: 'connection.sni', values: ['*'] }, products, false],
    [
      'connection.sni, not, none',
      { key: 'connection.sni', notValues: ['a.example'] },
      products,
      true,
    ],
    [
      'both lists hold',
      { key: 'source.ip', values: ['10.0.0.0/8'], notValues: ['10.0.9.9'] },
      products,
      true,
    ],
    [
      'one list fails',
      { key: 'source.ip', values: ['10.0.0.0/8'], notValues: ['10.0.1.7'] },
      products,
      false,
    ],
    [
      'Envoy metadata is not there',
      { key: 'experimental.envoy.filters.a.b[c]', values: ['*'] },
      products,
      false,
    ],
    [
      'Envoy metadata, not',
      { key: 'experimental.envoy.filters.a.b[c]', notValues: ['x'] },
      products,
      true,
    ],
  ])('%s', (_, condition, facts, expected) => {
    expect(ruleMatches(when(condition), facts)).toBe(expected);
  });
});
