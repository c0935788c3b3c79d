import fc from 'fast-check';
import { authorizationPolicy, connection, type PolicyRule, request } from './policies.ts';

// Random policies and connections over one small world, so that they often meet: trust domain `td`
// with alias `old-td`, namespaces shop and bank, a few addresses and ports.

const principals = [
  'td/ns/shop/sa/a',
  'old-td/ns/shop/sa/a',
  'cluster.local/ns/shop/sa/a',
  'td/ns/bank/sa/b',
  'foreign/ns/shop/sa/a',
  'td/vm/1',
];
const ips = ['10.0.0.1', '::ffff:10.0.0.1', '192.168.1.1', 'fd00::1'];
const blocks = [
  '10.0.0.0/8',
  '10.0.0.1',
  '192.168.0.0/16',
  'fd00::/8',
  '0.0.0.0/0',
  'bad',
  '10.0.0.0/40',
];
const ports = ['8080', '9090', '0', 'http'];

const some = (values: readonly string[]) =>
  fc.option(fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) }), {
    nil: undefined,
    freq: 1,
  });
const present = <T>(record: Record<string, T | undefined>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== undefined),
  );

const principalValues = some([
  ...principals,
  '*',
  '*/sa/a',
  'td/ns/*',
  '*-td/ns/shop/sa/a',
  '*/ns/shop/sa/a',
]);
const namespaceValues = some(['shop', 'bank', '*', 's*p', '*k']);
const accountValues = some(['a', 'b', 'bank/b', 'shop/a']);
const domainValues = some(['td', 'foreign', '*', '*-td', 'f*']);
const ipValues = some(blocks);
const portValues = some(ports);
const sniValues = some(['a.example', '*', '*.example', 'a.*']);
const methodValues = some(['GET', 'POST', 'P*', '*T', '*']);
const hostValues = some(['a.shop', 'A.shop', '*.shop', 'a.*', '*', 'b.shop:80']);
const pathValues = some(['/a', '/a/*', '*/b', '/a/{*}', '/{**}/b', '/a/{*}/{**}', '*', '/a/b']);
const requestPrincipalValues = some([
  '*',
  'idp/ann',
  'idp/*',
  '*/ann',
  'https://idp/x/*',
  '*nn',
  'i*',
  'idp',
]);
const headerValues = some(['x', '*', 'x*', '*y', '']);
const claimValues = some(['x', 'y', '*', 'x*', '*y']);
const httpValues = some(['x']);

const source = fc
  .record({
    principals: principalValues,
    notPrincipals: principalValues,
    namespaces: namespaceValues,
    notNamespaces: namespaceValues,
    serviceAccounts: accountValues,
    notServiceAccounts: accountValues,
    trustDomains: domainValues,
    notTrustDomains: domainValues,
    ipBlocks: ipValues,
    notIpBlocks: ipValues,
    remoteIpBlocks: ipValues,
    notRemoteIpBlocks: ipValues,
    requestPrincipals: requestPrincipalValues,
    notRequestPrincipals: requestPrincipalValues,
  })
  .chain((all) => fc.subarray(Object.keys(all), { maxLength: 3 }).map((kept) => pick(all, kept)));
const operation = fc
  .record({
    ports: portValues,
    notPorts: portValues,
    methods: methodValues,
    notMethods: methodValues,
    hosts: hostValues,
    notHosts: hostValues,
    paths: pathValues,
    notPaths: pathValues,
  })
  .chain((all) => fc.subarray(Object.keys(all), { maxLength: 2 }).map((kept) => pick(all, kept)));
const conditionOf = (key: string, values: fc.Arbitrary<string[] | undefined>) =>
  fc.record({ values, notValues: values }).map((lists) => ({ key, ...present(lists) }));
const condition = fc.oneof(
  conditionOf('source.principal', principalValues),
  conditionOf('source.namespace', namespaceValues),
  conditionOf('source.serviceAccount', accountValues),
  conditionOf('source.trustDomain', domainValues),
  conditionOf('source.ip', ipValues),
  conditionOf('remote.ip', ipValues),
  conditionOf('destination.ip', ipValues),
  conditionOf('destination.port', portValues),
  conditionOf('connection.sni', sniValues),
  conditionOf('request.headers[x]', headerValues),
  conditionOf('request.headers[X-Two]', headerValues),
  conditionOf('request.auth.principal', requestPrincipalValues),
  conditionOf('request.auth.audiences', claimValues),
  conditionOf('request.auth.presenter', claimValues),
  conditionOf('request.auth.claims[group]', claimValues),
  conditionOf('request.auth.claims[a][b]', claimValues),
  conditionOf('unknown', httpValues),
);
/** A rule of all fields that policies have, values that are invalid or HTTP only among them. */
export const anyRule = fc
  .record({
    from: fc.option(fc.array(fc.record({ source }), { minLength: 1, maxLength: 2 }), {
      nil: undefined,
    }),
    to: fc.option(fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }), {
      nil: undefined,
    }),
    when: fc.option(fc.array(condition, { minLength: 1, maxLength: 2 }), {
      nil: undefined,
      freq: 1,
    }),
  })
  .map((parts): PolicyRule => present<unknown>(parts));
const actions = ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'] as const;

const policy = fc
  .record({
    action: fc.constantFrom(...actions, 'ALLOW', 'ALLOW'),
    rules: fc.array(anyRule, { maxLength: 3 }),
    namespace: fc.constantFrom('shop', 'istio-system'),
    dryRun: fc.boolean(),
  })
  .map(({ action, rules, namespace, dryRun }) => {
    const annotations =
      dryRun && rules.length % 2 === 0 ? { annotations: { 'istio.io/dry-run': 'true' } } : {};
    return { spec: { action, rules }, metadata: { namespace, ...annotations } };
  });
/** Up to four policies of all actions, some as dry runs, attached to workloads of `shop`. */
export const anyPolicies = fc
  .array(policy, { maxLength: 4 })
  .map((list) =>
    list.map((each, index) =>
      authorizationPolicy(each.spec, { name: `p${index}`, ...each.metadata }),
    ),
  );
export const anyConnection = fc
  .record({
    principal: fc.option(fc.constantFrom(...principals), { nil: undefined }),
    sourceIp: fc.constantFrom(...ips),
    destinationIp: fc.constantFrom(...ips),
    destinationPort: fc.constantFrom(8080, 9090, 0),
    sni: fc.constantFrom('', 'a.example', 'b.example'),
  })
  .map((each) => connection(each));

const texts = fc.constantFrom('x', 'y', 'xy', '');
const claim = fc.oneof(texts, fc.array(texts, { maxLength: 3 }), fc.constant(7), fc.constant(true));
const token = fc.record(
  {
    issuer: fc.constantFrom('idp', 'https://idp/x', ''),
    subject: fc.constantFrom('ann', 'bob', ''),
    audiences: fc.array(texts, { maxLength: 2 }),
    presenter: texts,
    claims: fc.record({ group: claim, a: fc.oneof(claim, fc.record({ b: claim })) }),
  },
  { requiredKeys: ['claims'] },
);
/** A request on `anyConnection`, half of them with a token. */
export const anyRequest = fc
  .record({
    connection: anyConnection,
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/c/b', '/a//b', '/b'),
    host: fc.constantFrom('a.shop', 'A.SHOP', 'b.shop:80', ''),
    headers: fc.record(
      {
        x: texts,
        'x-two': texts,
        'x-forwarded-for': fc.constantFrom(...ips, 'bad', '1.2.3.4, 10.0.0.1'),
      },
      { requiredKeys: [] },
    ),
    token: fc.option(token, { nil: undefined }),
  })
  .map(({ connection: of, token: given, headers, ...http }) =>
    request(
      { ...http, headers: present<string>(headers) },
      {
        connection: of,
        ...(given && { token: given }),
      },
    ),
  );

function pick(
  all: Record<string, string[] | undefined>,
  kept: readonly string[],
): Record<string, string[]> {
  return present(Object.fromEntries(kept.map((key) => [key, all[key]])));
}
