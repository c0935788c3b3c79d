import type {
  ConnectionFacts,
  HttpFacts,
  RequestCall,
  TokenFacts,
} from '../../src/policy/authorization/call.ts';
import { compileAuthorization } from '../../src/policy/authorization/compile-authorization.ts';
import type { Decision } from '../../src/policy/authorization/decision.ts';
import { defaultMeshSettings, type MeshSettings } from '../../src/policy/mesh-settings.ts';
import type { Workload } from '../../src/policy/workload.ts';
import type { AuthorizationPolicy } from '../../src/resources/kinds/authorization-policy.ts';
import type { ConfigMap } from '../../src/resources/kinds/config-map.ts';
import type { DestinationRule } from '../../src/resources/kinds/destination-rule.ts';
import type { FallbackPolicy } from '../../src/resources/kinds/fallback-policy.ts';
import type { IstioOperator } from '../../src/resources/kinds/istio-operator.ts';
import type { PeerAuthentication } from '../../src/resources/kinds/peer-authentication.ts';
import type { Service } from '../../src/resources/kinds/service.ts';
import type { ServiceEntry } from '../../src/resources/kinds/service-entry.ts';
import type { Sidecar } from '../../src/resources/kinds/sidecar.ts';
import type { WorkloadEntry } from '../../src/resources/kinds/workload-entry.ts';
import type { ObjectMeta } from '../../src/resources/resource.ts';

export type PolicySpec = AuthorizationPolicy['spec'];
export type PolicyRule = NonNullable<PolicySpec['rules']>[number];
export type PolicySource = NonNullable<NonNullable<PolicyRule['from']>[number]['source']>;
export type PolicyOperation = NonNullable<NonNullable<PolicyRule['to']>[number]['operation']>;
export type PolicyCondition = NonNullable<PolicyRule['when']>[number];
type Meta = Partial<ObjectMeta>;

export const settings: MeshSettings = defaultMeshSettings;

/** The workload that the builders' policies are about. */
export const reviews: Workload = {
  namespace: 'shop',
  name: 'reviews-1',
  labels: { app: 'reviews', version: 'v1' },
  serviceAccount: 'reviews',
};

/** A call by mTLS from `shop/products` to port 8080, but for what is given. */
export function connection(facts: Partial<ConnectionFacts> = {}): ConnectionFacts {
  return {
    principal: 'cluster.local/ns/shop/sa/products',
    sourceIp: '10.0.1.7',
    destinationIp: '10.0.2.9',
    destinationPort: 8080,
    ...facts,
  };
}

export const plaintext: ConnectionFacts = connection({ principal: undefined });

/** An AuthorizationPolicy `shop/policy`, but for what is given. */
export function authorizationPolicy(spec: PolicySpec, metadata: Meta = {}): AuthorizationPolicy {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'policy', namespace: 'shop', ...metadata },
    spec,
  };
}

export function allow(rules: readonly PolicyRule[], metadata?: Meta): AuthorizationPolicy {
  return authorizationPolicy({ action: 'ALLOW', rules }, metadata);
}

export function deny(rules: readonly PolicyRule[], metadata?: Meta): AuthorizationPolicy {
  return authorizationPolicy({ action: 'DENY', rules }, metadata);
}

/** The same policy as a dry run. */
export function dryRun(policy: AuthorizationPolicy, word = 'true'): AuthorizationPolicy {
  return {
    ...policy,
    metadata: { ...policy.metadata, annotations: { 'istio.io/dry-run': word } },
  };
}

export function fromSource(source: PolicySource): PolicyRule {
  return { from: [{ source }] };
}

export function toOperation(operation: PolicyOperation): PolicyRule {
  return { to: [{ operation }] };
}

export function when(condition: PolicyCondition): PolicyRule {
  return { when: [condition] };
}

/** What is decided about `facts` at `workload` under `policies`. */
export function decide(
  policies: readonly AuthorizationPolicy[],
  facts: ConnectionFacts = connection(),
  at: { readonly workload?: Workload; readonly settings?: MeshSettings } = {},
): Decision {
  const authorization = compileAuthorization(
    policies,
    at.workload ?? reviews,
    at.settings ?? settings,
  );
  return authorization.authorizeConnection(facts);
}

/** The same of one HTTP request. */
export function decideRequest(
  policies: readonly AuthorizationPolicy[],
  call: RequestCall,
  at: { readonly workload?: Workload; readonly settings?: MeshSettings } = {},
): Decision {
  const authorization = compileAuthorization(
    policies,
    at.workload ?? reviews,
    at.settings ?? settings,
  );
  return authorization.authorizeRequest(call);
}

/** What is said of the decision about `facts`. */
export function explain(
  policies: readonly AuthorizationPolicy[],
  facts: ConnectionFacts = connection(),
  at: { readonly workload?: Workload; readonly settings?: MeshSettings } = {},
): string {
  const authorization = compileAuthorization(
    policies,
    at.workload ?? reviews,
    at.settings ?? settings,
  );
  return authorization.explain({ connection: facts }, authorization.authorizeConnection(facts))
    .text;
}

/** `GET /api/products` of `reviews.shop` by `connection()`, but for what is given. */
export function request(
  http: Partial<Omit<HttpFacts, 'header'>> & {
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
  call: { readonly connection?: ConnectionFacts; readonly token?: Partial<TokenFacts> } = {},
): RequestCall {
  const { headers = {}, ...rest } = http;
  return {
    connection: call.connection ?? connection(),
    http: {
      method: 'GET',
      path: '/api/products',
      host: 'reviews.shop',
      header: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
      ...rest,
    },
    token: call.token && {
      issuer: undefined,
      subject: undefined,
      audiences: [],
      presenter: undefined,
      claims: {},
      ...call.token,
    },
  };
}

/** Whether one rule, as the only one of an ALLOW policy, matches. */
export function ruleMatches(rule: PolicyRule, facts: ConnectionFacts): boolean {
  return decide([allow([rule])], facts).verdict === 'allow';
}

/** A PeerAuthentication `shop/default`, but for what is given. */
export function peerAuthentication(
  spec: PeerAuthentication['spec'],
  metadata: Meta = {},
): PeerAuthentication {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop', ...metadata },
    spec,
  };
}

/** A Service `shop/reviews` on port 80 for `app=reviews`, but for what is given. */
export function service(spec: Partial<Service['spec']> = {}, metadata: Meta = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'reviews', namespace: 'shop', ...metadata },
    spec: { selector: { app: 'reviews' }, ports: [{ name: 'http', port: 80 }], ...spec },
  };
}

/** A WorkloadEntry `shop/reviews-1` at 10.0.2.9 with an account, but for what is given. */
export function workloadEntry(
  spec: WorkloadEntry['spec'] = {},
  metadata: Meta = {},
): WorkloadEntry {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: { name: 'reviews-1', namespace: 'shop', ...metadata },
    spec: {
      address: '10.0.2.9',
      labels: { app: 'reviews' },
      serviceAccount: 'reviews',
      ...spec,
    },
  };
}

/** The IstioOperator of the root namespace, but for what is given. */
export function istioOperator(spec: object, metadata: Meta = {}): IstioOperator {
  return {
    apiVersion: 'install.istio.io/v1alpha1',
    kind: 'IstioOperator',
    metadata: { name: 'installed-state', namespace: 'istio-system', ...metadata },
    spec: spec as IstioOperator['spec'],
  };
}

/** The ConfigMap `istio` of the root namespace, but for what is given. */
export function configMap(data: Readonly<Record<string, string>>, metadata: Meta = {}): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system', ...metadata },
    data,
  };
}

/** A DestinationRule `shop/rule` for the Service `reviews`, but for what is given. */
export function destinationRule(
  spec: Partial<DestinationRule['spec']>,
  metadata: Meta = {},
): DestinationRule {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'rule', namespace: 'shop', ...metadata },
    spec: { host: 'reviews', ...spec },
  };
}

/** A Sidecar `shop/default`, but for what is given. */
export function sidecar(spec: Sidecar['spec'], metadata: Meta = {}): Sidecar {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: 'default', namespace: 'shop', ...metadata },
    spec,
  };
}

/** A ServiceEntry `shop/api` for `api.example` on the HTTPS port 443, found by DNS, but for what is given. */
export function serviceEntry(
  spec: Partial<ServiceEntry['spec']> = {},
  metadata: Meta = {},
): ServiceEntry {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'api', namespace: 'shop', ...metadata },
    spec: {
      hosts: ['api.example'],
      ports: [{ number: 443, name: 'https', protocol: 'HTTPS' }],
      resolution: 'DNS',
      ...spec,
    },
  };
}

/** A FallbackPolicy `shop/fallback`, but for what is given. */
export function fallbackPolicy(spec: FallbackPolicy['spec'], metadata: Meta = {}): FallbackPolicy {
  return {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'FallbackPolicy',
    metadata: { name: 'fallback', namespace: 'shop', ...metadata },
    spec,
  };
}
