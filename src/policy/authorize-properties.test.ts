import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorizationPolicy,
  decide,
  explain,
  type PolicyRule,
  settings as plainSettings,
  reviews,
} from '../../test/kit/policies.ts';
import { anyConnection, anyPolicies, anyRule } from '../../test/kit/policy-arbitraries.ts';
import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import type { ConnectionFacts } from './call.ts';

const settings = { ...plainSettings, trustDomain: 'td', trustDomainAliases: ['old-td'] };

// ---- the naive evaluator: istio-semantics 3.2 to 3.5, 3.9 and 3.10 word by word, no speed, no reasons

type Values = readonly string[] | undefined;
type Use = readonly [field: string, values: Values, negated: boolean];

/** The verdict on policies that are all attached. */
function naiveVerdict(policies: readonly AuthorizationPolicy[], facts: ConnectionFacts): string {
  const enforced = policies.filter(({ metadata }) => metadata.annotations === undefined);
  const of = (action: string) => enforced.filter(({ spec }) => (spec.action ?? 'ALLOW') === action);
  const matching = (action: string) =>
    of(action).some((policy) =>
      (policy.spec.rules ?? []).some((rule) => naiveRule(rule, policy, facts)),
    );
  if (matching('CUSTOM') || matching('DENY')) return 'deny';
  return of('ALLOW').length === 0 || matching('ALLOW') ? 'allow' : 'deny';
}

function naiveRule(rule: PolicyRule, policy: AuthorizationPolicy, facts: ConnectionFacts): boolean {
  const from = (rule.from ?? []).map(({ source: s = {} }): Use[] => [
    ['source.principal', s.principals, false],
    ['source.principal', s.notPrincipals, true],
    ['source.namespace', s.namespaces, false],
    ['source.namespace', s.notNamespaces, true],
    ['source.serviceAccount', s.serviceAccounts, false],
    ['source.serviceAccount', s.notServiceAccounts, true],
    ['source.trustDomain', s.trustDomains, false],
    ['source.trustDomain', s.notTrustDomains, true],
    ['source.ip', s.ipBlocks, false],
    ['source.ip', s.notIpBlocks, true],
    ['remote.ip', s.remoteIpBlocks, false],
    ['remote.ip', s.notRemoteIpBlocks, true],
    ['http', s.requestPrincipals, false],
    ['http', s.notRequestPrincipals, true],
  ]);
  const to = (rule.to ?? []).map(({ operation: o = {} }): Use[] => [
    ['destination.port', o.ports, false],
    ['destination.port', o.notPorts, true],
    ['http', [...(o.methods ?? []), ...(o.paths ?? []), ...(o.hosts ?? [])], false],
    ['http', [...(o.notMethods ?? []), ...(o.notPaths ?? []), ...(o.notHosts ?? [])], true],
  ]);
  const when = (rule.when ?? []).flatMap(({ key, values, notValues }): Use[] => [
    [key.startsWith('request.') ? 'http' : key, values, false],
    [key.startsWith('request.') ? 'http' : key, notValues, true],
  ]);
  if (when.some(([key, values]) => key === 'unknown' && values !== undefined)) return false;
  const isAllow = (policy.spec.action ?? 'ALLOW') === 'ALLOW';
  if (isAllow && [...from, ...to, when].flat().some(hasError)) return false;
  const namespace = policy.metadata.namespace ?? '';
  const holds = (uses: Use[]) => uses.every((use) => naivePredicate(use, namespace, facts));
  return (
    (from.length === 0 || from.some(holds)) && (to.length === 0 || to.some(holds)) && holds(when)
  );
}

function hasError([field, values]: Use): boolean {
  return (values ?? []).some((value) => field === 'http' || !isUsable(field, value));
}

function isUsable(field: string, value: string): boolean {
  if (field === 'destination.port') return /^\d+$/.test(value) && Number(value) <= 65_535;
  if (!field.endsWith('.ip')) return true;
  const [address = '', prefix, ...rest] = value.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= bits))
  );
}

function naivePredicate(
  [field, values = [], negated]: Use,
  namespace: string,
  facts: ConnectionFacts,
): boolean {
  const usable = field === 'http' ? [] : values.filter((value) => isUsable(field, value));
  if (usable.length === 0) return true;
  return usable.some((value) => naiveValue(field, value, namespace, facts)) !== negated;
}

function naiveValue(
  field: string,
  value: string,
  namespace: string,
  facts: ConnectionFacts,
): boolean {
  const identity = facts.principal === undefined ? '' : `spiffe://${facts.principal}`;
  const full = (regex: string) => new RegExp(`^(?:${regex})$`).test(identity);
  const trustDomains = [settings.trustDomain, ...settings.trustDomainAliases];
  switch (field) {
    case 'source.principal':
      return aliased(value, trustDomains).some((each) =>
        naiveText(each, identity.slice('spiffe://'.length)),
      );
    case 'source.namespace':
      return full(`.*/ns/${value.replaceAll('*', '.*')}/.*`);
    case 'source.serviceAccount': {
      const [ns, sa] = value.includes('/') ? value.split('/') : [namespace, value];
      return full(`spiffe://.+/ns/${ns}/(.+/|)sa/${sa}(/.+)?`);
    }
    case 'source.trustDomain':
      if (value === '*') return identity.startsWith('spiffe://');
      return (trustDomains.includes(value) ? trustDomains : [value]).some((each) =>
        full(`spiffe://${each.replaceAll('*', '[^/]*')}/.*`),
      );
    case 'source.ip':
    case 'remote.ip':
      return inRange(value, facts.sourceIp);
    case 'destination.ip':
      return inRange(value, facts.destinationIp);
    case 'destination.port':
      return Number(value) === facts.destinationPort;
    case 'connection.sni':
      return naiveText(value, facts.sni ?? '');
    default:
      throw new Error(field);
  }
}

function naiveText(value: string, text: string): boolean {
  if (value === '*') return text !== '';
  if (value.startsWith('*')) return text.endsWith(value.slice(1)) && text !== '';
  if (value.endsWith('*')) return text.startsWith(value.slice(0, -1));
  return text === value;
}

function aliased(principal: string, trustDomains: readonly string[]): readonly string[] {
  const [domain = '', ...path] = principal.split('/');
  if (path.length !== 4) return [principal];
  if (domain === 'cluster.local' || trustDomains.includes(domain)) {
    return trustDomains.map((each) => [each, ...path].join('/'));
  }
  // `*-td` fits old-td already; td, the other one, is added
  return domain === '*-td' ? [principal, ['td', ...path].join('/')] : [principal];
}

function inRange(block: string, ip: string): boolean {
  const unmapped = ip.replace(/^::ffff:/, '');
  const [address = '', prefix] = block.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  if (isIP(address) !== isIP(unmapped)) return false;
  const list = new BlockList();
  list.addSubnet(
    address,
    prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix),
    family,
  );
  return list.check(unmapped, family);
}

const verdict = (list: readonly AuthorizationPolicy[], of: ConnectionFacts): string =>
  decide(list, of, { workload: reviews, settings }).verdict;

describe('authorize', () => {
  it('agrees with the naive evaluator', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(anyPolicies, anyConnection, (list, of) => {
        const actual = verdict(list, of);
        expect(actual).toBe(naiveVerdict(list, of));
        seen[actual as keyof typeof seen] += 1;
      }),
      { numRuns: 5_000 },
    );
    // a property that only ever saw one verdict would have shown nothing
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('agrees with the naive evaluator about single rules', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(
        anyRule,
        fc.constantFrom('ALLOW' as const, 'DENY' as const),
        anyConnection,
        (only, action, of) => {
          const list = [authorizationPolicy({ action, rules: [only] })];
          const actual = verdict(list, of);
          expect(actual).toBe(naiveVerdict(list, of));
          seen[actual as keyof typeof seen] += 1;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('never turns deny into allow for one more DENY policy', () => {
    fc.assert(
      fc.property(
        anyPolicies,
        fc.array(anyRule, { maxLength: 2 }),
        anyConnection,
        (list, rules, of) => {
          const more = [...list, authorizationPolicy({ action: 'DENY', rules }, { name: 'more' })];
          if (verdict(list, of) === 'deny') expect(verdict(more, of)).toBe('deny');
        },
      ),
    );
  });

  it('never turns allow into deny for one more ALLOW rule where there is an ALLOW policy', () => {
    fc.assert(
      fc.property(
        anyPolicies,
        fc.array(anyRule, { maxLength: 2 }),
        anyRule,
        anyConnection,
        (list, rules, added, of) => {
          const before = [...list, authorizationPolicy({ rules }, { name: 'allow' })];
          const after = [
            ...list,
            authorizationPolicy({ rules: [...rules, added] }, { name: 'allow' }),
          ];
          if (verdict(before, of) === 'allow') expect(verdict(after, of)).toBe('allow');
        },
      ),
    );
  });

  it('decides the same in whichever order policies come', () => {
    const shuffled = anyPolicies.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, anyConnection, ([list, other], of) => {
        const at = { workload: reviews, settings };
        expect(decide(other, of, at)).toEqual(decide(list, of, at));
      }),
    );
  });

  it('names policy and rule in every denial, in one printable line', () => {
    fc.assert(
      fc.property(anyPolicies, anyConnection, fc.string(), (list, of, sni) => {
        const text = explain(list, { ...of, sni }, { workload: reviews, settings });
        expect(text).toMatch(/^[\x20-\x7e]+$/);
        if (text.includes('denied'))
          expect(text).toMatch(/AuthorizationPolicy \S+\/p\d rule\[\d\]: \S/);
      }),
    );
  });
});
