import { describe, expect, it } from 'vitest';
import {
  allow,
  connection,
  deny,
  fromSource,
  type PolicyRule,
  request,
  reviews,
  settings,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { Call } from './call.ts';
import { compileAuthorization } from './compile-authorization.ts';

// Every field of a rule, with its negation and each form of a value, for a caller on a plain connection, by
// HTTP/1.1, by HTTP/2 and by gRPC. What matches here is said by istio-semantics 3.5; what a connection
// makes of HTTP fields by 3.9: void for ALLOW, left out for DENY.

const facts = connection({
  principal: 'cluster.local/ns/shop/sa/products',
  sourceIp: '10.0.1.7',
  destinationIp: '10.0.2.9',
  destinationPort: 8080,
  sni: 'outbound_.80_._.reviews.shop.svc.cluster.local',
});
const token = {
  issuer: 'https://idp.example',
  subject: 'ann',
  audiences: ['shop', 'bank'],
  presenter: 'app',
  claims: { group: ['staff', 'admin'], realm: { role: 'buyer' } },
};
const headers = { 'x-tenant': 'blue', 'x-forwarded-for': '192.0.2.7' };
const by = (method: string, path: string, more: Readonly<Record<string, string>> = {}) =>
  request(
    { method, path, host: 'reviews.shop:8080', headers: { ...headers, ...more } },
    { connection: facts, token },
  );

const calls: Readonly<Record<string, Call>> = {
  TCP: { connection: facts },
  'HTTP/1.1': by('GET', '/api/products'),
  'HTTP/2': by('GET', '/api/products'),
  gRPC: by('POST', '/shop.Reviews/List', { 'content-type': 'application/grpc' }),
};
const isGrpc = (protocol: string): boolean => protocol === 'gRPC';

/** Values of one field that match, and values that do not; those of gRPC where they differ. */
interface Row {
  readonly name: string;
  readonly rule: (values: string[]) => PolicyRule;
  readonly not: (values: string[]) => PolicyRule;
  readonly http: boolean;
  readonly hits: readonly string[];
  readonly misses: readonly string[];
  readonly grpc?: { readonly hits: readonly string[]; readonly misses: readonly string[] };
}

const source = (field: string, row: Omit<Row, 'name' | 'rule' | 'not'>): Row => ({
  name: field,
  rule: (values) => fromSource({ [field]: values }),
  not: (values) => fromSource({ [notName(field)]: values }),
  ...row,
});
const operation = (field: string, row: Omit<Row, 'name' | 'rule' | 'not'>): Row => ({
  name: field,
  rule: (values) => toOperation({ [field]: values }),
  not: (values) => toOperation({ [notName(field)]: values }),
  ...row,
});
const condition = (key: string, row: Omit<Row, 'name' | 'rule' | 'not'>): Row => ({
  name: `when ${key}`,
  rule: (values) => when({ key, values }),
  not: (values) => when({ key, notValues: values }),
  ...row,
});
const notName = (field: string) => `not${field.charAt(0).toUpperCase()}${field.slice(1)}`;

const principals = {
  http: false,
  hits: ['cluster.local/ns/shop/sa/products', 'cluster.local/ns/shop/*', '*/sa/products', '*'],
  misses: ['cluster.local/ns/shop/sa/product', 'other/*', '*/sa/reviews', '*products*', 'products'],
};
const namespaces = {
  http: false,
  hits: ['shop', 's*', '*op', '*', 's*p'],
  misses: ['sho', 'x*', '*x'],
};
const accounts = {
  http: false,
  hits: ['products', 'shop/products'],
  misses: ['reviews', 'bank/products'],
};
const domains = {
  http: false,
  hits: ['cluster.local', '*', 'cluster.*', '*.local'],
  misses: ['cluster', '*.x'],
};
const sourceIps = {
  http: false,
  hits: ['10.0.1.7', '10.0.0.0/8', '0.0.0.0/0'],
  misses: ['10.0.1.8', '::/0'],
};
const ports = { http: false, hits: ['8080'], misses: ['80', '0'] };
const requestPrincipals = {
  http: true,
  hits: ['https://idp.example/ann', 'https://idp.example/*', '*/ann', '*nn', 'https*', '*'],
  misses: ['https://idp.example/bob', 'https://idp.example', '*/bob', 'http://*', 'ann'],
};

const rows: readonly Row[] = [
  source('principals', principals),
  condition('source.principal', principals),
  source('namespaces', namespaces),
  condition('source.namespace', namespaces),
  source('serviceAccounts', accounts),
  condition('source.serviceAccount', accounts),
  source('trustDomains', domains),
  condition('source.trustDomain', domains),
  source('ipBlocks', sourceIps),
  condition('source.ip', sourceIps),
  source('requestPrincipals', requestPrincipals),
  condition('request.auth.principal', requestPrincipals),
  operation('ports', ports),
  condition('destination.port', ports),
  condition('destination.ip', {
    http: false,
    hits: ['10.0.2.9', '10.0.2.0/24'],
    misses: ['10.0.3.0/24'],
  }),
  condition('connection.sni', {
    http: false,
    hits: ['*.reviews.shop.svc.cluster.local', 'outbound_.80_*', '*'],
    misses: ['reviews.shop.svc.cluster.local', '*.bank.svc.cluster.local'],
  }),
  operation('hosts', {
    http: true,
    hits: ['reviews.shop:8080', 'REVIEWS.shop:8080', 'reviews.shop:*', '*:8080', '*'],
    misses: ['reviews.shop', '*.shop', 'reviews:*'],
  }),
  operation('methods', {
    http: true,
    hits: ['GET', 'G*', '*ET', '*'],
    misses: ['get', 'POST', 'P*'],
    grpc: { hits: ['POST', 'P*', '*ST', '*'], misses: ['GET', 'post'] },
  }),
  operation('paths', {
    http: true,
    hits: ['/api/products', '/api/*', '*/products', '*', '/api/{*}', '/{**}', '/{*}/{*}'],
    misses: ['/api', '/API/*', '*/product', '/{*}', '/api/{*}/{**}', '/a*i/products'],
    grpc: {
      hits: ['/shop.Reviews/List', '/shop.Reviews/*', '*/List', '/shop.Reviews/{*}', '/{**}/List'],
      misses: ['/shop.Reviews', '/shop.reviews/*', '/{*}'],
    },
  }),
  condition('request.headers[X-Tenant]', {
    http: true,
    hits: ['blue', 'b*', '*e', '*'],
    misses: ['Blue', 'blu', 'g*'],
  }),
  condition('request.headers[x-missing]', { http: true, hits: [], misses: ['*', 'a', ''] }),
  condition('request.headers[:method]', {
    http: true,
    hits: ['GET'],
    misses: ['POST'],
    grpc: { hits: ['POST'], misses: ['GET'] },
  }),
  condition('request.auth.audiences', {
    http: true,
    hits: ['shop', 'b*', '*'],
    misses: ['sho', 'x*'],
  }),
  condition('request.auth.presenter', {
    http: true,
    hits: ['app', 'a*', '*pp', '*'],
    misses: ['ap'],
  }),
  condition('request.auth.claims[group]', {
    http: true,
    hits: ['admin', 'st*', '*'],
    misses: ['adm'],
  }),
  condition('request.auth.claims[realm][role]', {
    http: true,
    hits: ['buyer', '*'],
    misses: ['b'],
  }),
  condition('request.auth.claims[missing]', { http: true, hits: [], misses: ['*'] }),
];

function verdict(rule: PolicyRule, action: 'ALLOW' | 'DENY', call: Call): string {
  const policy = action === 'ALLOW' ? allow([rule]) : deny([rule]);
  const authorization = compileAuthorization([policy], reviews, settings);
  const { connection: own, http, token: given } = call;
  return http === undefined
    ? authorization.authorizeConnection(own).verdict
    : authorization.authorizeRequest({ connection: own, http, token: given }).verdict;
}

describe.each(Object.keys(calls))('on %s', (protocol) => {
  const call = calls[protocol] ?? { connection: facts };
  const cases = rows.flatMap((row) => {
    const { hits, misses } = isGrpc(protocol) ? { ...row, ...row.grpc } : row;
    return [
      ...hits.map((value) => ({ row, value, matches: true })),
      ...misses.map((value) => ({ row, value, matches: false })),
    ];
  });

  it.each(cases)('$row.name "$value": $matches', ({ row, value, matches }) => {
    const isLost = row.http && protocol === 'TCP';
    const rules = [
      [row.rule([value]), matches],
      [row.not([value]), !matches],
      // one value that does not match changes nothing for the others
      [row.rule(['none-such', value]), matches],
    ] as const;
    for (const [rule, expected] of rules.filter(([each]) => isReadable(each))) {
      const verdicts = [verdict(rule, 'ALLOW', call), verdict(rule, 'DENY', call)];
      expect(verdicts).toEqual(isLost ? ['deny', 'deny'] : verdictsOf(expected));
    }
  });
});

/** Of an ALLOW and a DENY policy with a rule that matches or not. */
function verdictsOf(matches: boolean): readonly string[] {
  return matches ? ['allow', 'deny'] : ['deny', 'allow'];
}

/** Addresses and ports that cannot be read are a case of their own. */
function isReadable(rule: PolicyRule): boolean {
  const text = JSON.stringify(rule);
  return !(text.includes('none-such') && /ipBlocks|IpBlocks|orts"|\.ip"|\.port"/.test(text));
}

describe('on remote addresses', () => {
  it.each([
    ['TCP', '10.0.1.7', true],
    ['TCP', '192.0.2.7', false],
    ['HTTP/1.1', '192.0.2.7', true],
    ['HTTP/2', '192.0.2.0/24', true],
    ['gRPC', '192.0.2.7', true],
    ['HTTP/1.1', '10.0.1.7', false],
  ])('%s comes from %s: %s', (protocol, value, matches) => {
    const call = calls[protocol] ?? { connection: facts };
    const [yes, no] = matches ? ['allow', 'deny'] : ['deny', 'allow'];
    for (const rule of [
      fromSource({ remoteIpBlocks: [value] }),
      when({ key: 'remote.ip', values: [value] }),
    ]) {
      expect(verdict(rule, 'ALLOW', call)).toBe(yes);
      expect(verdict(rule, 'DENY', call)).toBe(no);
    }
    expect(verdict(fromSource({ notRemoteIpBlocks: [value] }), 'ALLOW', call)).toBe(no);
  });
});
