import { BlockList, isIP } from 'node:net';
import type { Call } from '../../src/policy/authorization/call.ts';
import type { AuthorizationPolicy } from '../../src/resources/kinds/authorization-policy.ts';
import { type PolicyRule, settings } from './policies.ts';

/** Of the mesh that the naive evaluator and the arbitraries are about. */
export const naiveSettings = { ...settings, trustDomain: 'td', trustDomainAliases: ['old-td'] };

// ---- the naive evaluator: istio-semantics 3.2 to 3.7, 3.9 and 3.10 word by word, no speed, no reasons

type Values = readonly string[] | undefined;
type Use = readonly [field: string, values: Values, negated: boolean];

/** The verdict on policies that are all attached. */
export function naiveVerdict(policies: readonly AuthorizationPolicy[], facts: Call): string {
  const enforced = policies.filter(({ metadata }) => metadata.annotations === undefined);
  const of = (action: string) => enforced.filter(({ spec }) => (spec.action ?? 'ALLOW') === action);
  const matching = (action: string) =>
    of(action).some((policy) =>
      (policy.spec.rules ?? []).some((rule) => naiveRule(rule, policy, facts)),
    );
  if (matching('CUSTOM') || matching('DENY')) return 'deny';
  return of('ALLOW').length === 0 || matching('ALLOW') ? 'allow' : 'deny';
}

function naiveRule(rule: PolicyRule, policy: AuthorizationPolicy, facts: Call): boolean {
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
    ['request.auth.principal', s.requestPrincipals, false],
    ['request.auth.principal', s.notRequestPrincipals, true],
  ]);
  const to = (rule.to ?? []).map(({ operation: o = {} }): Use[] => [
    ['destination.port', o.ports, false],
    ['destination.port', o.notPorts, true],
    ['request.method', o.methods, false],
    ['request.method', o.notMethods, true],
    ['request.host', o.hosts, false],
    ['request.host', o.notHosts, true],
    ['request.path', o.paths, false],
    ['request.path', o.notPaths, true],
  ]);
  const when = (rule.when ?? []).flatMap(({ key, values, notValues }): Use[] => [
    [key, values, false],
    [key, notValues, true],
  ]);
  if (when.some(([key, values]) => key === 'unknown' && values !== undefined)) return false;
  const isAllow = (policy.spec.action ?? 'ALLOW') === 'ALLOW';
  const isTcp = facts.http === undefined;
  if (isAllow && [...from, ...to, when].flat().some((use) => hasError(use, isTcp))) return false;
  const namespace = policy.metadata.namespace ?? '';
  const holds = (uses: Use[]) => uses.every((use) => naivePredicate(use, namespace, facts));
  return (
    (from.length === 0 || from.some(holds)) && (to.length === 0 || to.some(holds)) && holds(when)
  );
}

function hasError([field, values]: Use, isTcp: boolean): boolean {
  return (values ?? []).some((value) => (isTcp && isHttp(field)) || !isUsable(field, value));
}

function isHttp(field: string): boolean {
  return field.startsWith('request.');
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
  facts: Call,
): boolean {
  const isLost = facts.http === undefined && isHttp(field);
  const usable = isLost ? [] : values.filter((value) => isUsable(field, value));
  if (usable.length === 0) return true;
  return usable.some((value) => naiveValue(field, value, namespace, facts)) !== negated;
}

function naiveValue(field: string, value: string, namespace: string, call: Call): boolean {
  const facts = call.connection;
  const identity = facts.principal === undefined ? '' : `spiffe://${facts.principal}`;
  const full = (regex: string) => new RegExp(`^(?:${regex})$`).test(identity);
  const trustDomains = [naiveSettings.trustDomain, ...naiveSettings.trustDomainAliases];
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
      return inRange(value, facts.sourceIp);
    case 'remote.ip':
      return inRange(value, naiveClient(call));
    case 'destination.ip':
      return inRange(value, facts.destinationIp);
    case 'destination.port':
      return Number(value) === facts.destinationPort;
    case 'connection.sni':
      return naiveText(value, facts.sni ?? '');
    default:
      return naiveRequestValue(field, value, call);
  }
}

function naiveRequestValue(field: string, value: string, call: Call): boolean {
  switch (field) {
    case 'request.method':
      return naiveText(value, call.http?.method ?? '');
    case 'request.host':
      return naiveText(value.toLowerCase(), call.http?.host.toLowerCase() ?? '');
    case 'request.path':
      return naivePath(value, call.http?.path ?? '');
    case 'request.auth.principal':
      return naiveRequestPrincipal(value, call.token);
    case 'request.auth.audiences':
      return call.token?.audiences.some((each) => naiveText(value, each)) ?? false;
    case 'request.auth.presenter':
      return call.token?.presenter !== undefined && naiveText(value, call.token.presenter);
    case 'request.auth.claims[group]':
      return naiveClaim(value, call.token?.claims['group']);
    case 'request.auth.claims[a][b]':
      return naiveClaim(value, (call.token?.claims['a'] as Record<string, unknown>)?.['b']);
    case 'request.headers[x]':
    case 'request.headers[X-Two]': {
      const header = call.http?.header(field.slice('request.headers['.length, -1).toLowerCase());
      return header !== undefined && (value === '*' || naiveText(value, header));
    }
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

function naivePath(value: string, path: string): boolean {
  if (!value.includes('{')) return naiveText(value, path);
  const regex = value
    .split(/(\{\*\*?\})/)
    .map((part) => ({ '{*}': '[^/]+', '{**}': '.*' })[part] ?? part.replace(/[.]/g, '\\.'))
    .join('');
  return new RegExp(`^${regex}$`).test(path);
}

function naiveClaim(value: string, claim: unknown): boolean {
  return [claim].flat().some((each) => typeof each === 'string' && naiveText(value, each));
}

/** istio-semantics 3.6, line by line. */
function naiveRequestPrincipal(value: string, token: Call['token']): boolean {
  const iss = token?.issuer ?? '';
  const sub = token?.subject ?? '';
  if (token === undefined) return false;
  if (value === '*') return iss !== '' && sub !== '';
  const slash = value.lastIndexOf('/');
  const [before, after] = [value.slice(0, slash), value.slice(slash + 1)];
  if (slash === -1) {
    if (value.startsWith('*')) return naiveText(value, sub);
    return value.endsWith('*') ? naiveText(value, iss) : iss === value && sub === '';
  }
  if (value.startsWith('*')) return (before === '*' || naiveText(before, iss)) && sub === after;
  return iss === before && naiveText(after, sub);
}

function naiveClient({ connection, http }: Call): string {
  const last = http?.header('x-forwarded-for')?.split(',').at(-1)?.trim();
  const unmapped = last?.replace(/^::ffff:/, '') ?? '';
  return isIP(unmapped) === 0 ? connection.sourceIp : unmapped;
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
