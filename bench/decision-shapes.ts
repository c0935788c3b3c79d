import type { RequestCall } from '../src/policy/authorization/call.ts';
import type { AuthorizationPolicy } from '../src/resources/kinds/authorization-policy.ts';
import type { AuthorizationRule } from '../src/resources/kinds/authorization-policy-schema.ts';

/** Rules of one form, and calls that they are asked about. */
export interface Shape {
  readonly name: string;
  readonly layer: 'L4' | 'L7';
  readonly action: 'ALLOW' | 'DENY';
  /** The rule with a number. */
  readonly rule: (n: number) => AuthorizationRule;
  /** A call that matches the rule with a number; numbers that no rule has give calls that match none. */
  readonly call: (n: number) => RequestCall;
}

const RULES_PER_POLICY = 512;
const principal = (n: number): string => `cluster.local/ns/ns${n % 100}/sa/caller${n}`;
/** Of one length: each length of a prefix is a lookup of its own. */
const id = (n: number): string => String(n).padStart(6, '0');
const address = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

export const shapes: readonly Shape[] = [
  {
    name: 'one caller a rule',
    layer: 'L4',
    action: 'ALLOW',
    rule: (n) => ({ from: [{ source: { principals: [principal(n)] } }] }),
    call: (n) => call(n),
  },
  {
    name: 'account and port',
    layer: 'L4',
    action: 'ALLOW',
    rule: (n) => ({
      from: [{ source: { serviceAccounts: [`ns${n % 100}/caller${n}`] } }],
      to: [{ operation: { ports: ['8080', '9090'] } }],
    }),
    call: (n) => call(n),
  },
  {
    name: 'ranges of addresses, DENY',
    layer: 'L4',
    action: 'DENY',
    rule: (n) => ({ from: [{ source: { ipBlocks: [`${address(n * 16)}/28`] } }] }),
    call: (n) => call(n, { ip: address(n * 16 + 3) }),
  },
  {
    name: 'caller, method and path',
    layer: 'L7',
    action: 'ALLOW',
    rule: (n) => ({
      from: [{ source: { principals: [principal(n % 100)] } }],
      to: [{ operation: { methods: ['GET', 'HEAD'], paths: [`/api/items${n}`] } }],
    }),
    call: (n) => call(n % 100, { path: `/api/items${n}` }),
  },
  {
    name: 'prefixes and templates',
    layer: 'L7',
    action: 'ALLOW',
    rule: (n) => ({
      to: [
        { operation: { paths: [`/team${id(n)}/*`, `/users/${id(n)}/{*}/orders`, `*.${id(n)}`] } },
      ],
    }),
    call: (n) => call(n, { path: `/users/${id(n)}/x/orders` }),
  },
  {
    name: 'header, claim and notPaths',
    layer: 'L7',
    action: 'DENY',
    rule: (n) => ({
      from: [{ source: { namespaces: ['ns1', 'ns2'], notPrincipals: ['*/admin'] } }],
      to: [{ operation: { notPaths: ['/health'] } }],
      when: [
        { key: 'request.headers[x-tenant]', values: [`t${n % 100}`] },
        { key: 'request.auth.claims[group]', values: [`g${n}`] },
      ],
    }),
    call: (n) => call(n, { namespace: 'ns1', tenant: `t${n % 100}`, group: `g${n}` }),
  },
];

/** `count` rules of a shape in as many policies as they need, attached to workloads of `shop`. */
export function policiesOf(shape: Shape, count: number): readonly AuthorizationPolicy[] {
  const rules = Array.from({ length: count }, (_, n) => shape.rule(n));
  return Array.from({ length: Math.ceil(count / RULES_PER_POLICY) }, (_, n) =>
    policy(`p${n}`, {
      action: shape.action,
      rules: rules.slice(n * RULES_PER_POLICY, (n + 1) * RULES_PER_POLICY),
    }),
  );
}

function policy(name: string, spec: AuthorizationPolicy['spec']): AuthorizationPolicy {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'shop' },
    spec,
  };
}

interface Details {
  readonly ip?: string;
  readonly path?: string;
  readonly namespace?: string;
  readonly tenant?: string;
  readonly group?: string;
}

function call(n: number, details: Details = {}): RequestCall {
  const { ip = '10.0.0.9', path = '/', namespace = `ns${n % 100}`, tenant, group } = details;
  return {
    connection: {
      principal: `cluster.local/ns/${namespace}/sa/caller${n}`,
      sourceIp: ip,
      destinationIp: '10.1.0.1',
      destinationPort: 8080,
    },
    http: {
      method: 'GET',
      path,
      host: 'reviews.shop',
      header: (name) => (name === 'x-tenant' ? tenant : undefined),
    },
    token: group === undefined ? undefined : token(group),
  };
}

function token(group: string): NonNullable<RequestCall['token']> {
  return {
    issuer: 'idp',
    subject: 'ann',
    audiences: [],
    presenter: undefined,
    claims: { group: ['all', group] },
  };
}
