// Documents of a small mesh, in YAML's flow form, for tests of what they say together.

const SECURITY = 'apiVersion: security.istio.io/v1';
const NETWORKING = 'apiVersion: networking.istio.io/v1';
const meta = (name: string, more = '') => `metadata: {name: ${name}, namespace: shop${more}}`;
export const policy = (name: string, spec: string, more = '') =>
  `{${SECURITY}, kind: AuthorizationPolicy, ${meta(name, more)}, spec: ${spec}}`;
export const peers = (name: string, spec: string, namespace = 'shop') =>
  `{${SECURITY}, kind: PeerAuthentication, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}`;
export const rule = (spec: string) =>
  `{${NETWORKING}, kind: DestinationRule, ${meta('dr')}, spec: ${spec}}`;
export const gateway = (name: string, spec: string) =>
  `{${NETWORKING}, kind: Gateway, ${meta(name)}, spec: ${spec}}`;
export const routes = (spec: string) =>
  `{${NETWORKING}, kind: VirtualService, ${meta('vs')}, spec: ${spec}}`;
export const sidecar = (name: string, spec: string) =>
  `{${NETWORKING}, kind: Sidecar, ${meta(name)}, spec: ${spec}}`;
export const entry = (name: string, spec: string) =>
  `{${NETWORKING}, kind: ServiceEntry, ${meta(name)}, spec: ${spec}}`;
export const telemetry = (name: string, spec: string) =>
  `{apiVersion: telemetry.istio.io/v1, kind: Telemetry, ${meta(name)}, spec: ${spec}}`;
export const envoyFilter = (
  operation: string,
  applyTo: string,
  { match = '', spec = '' }: { readonly match?: string; readonly spec?: string } = {},
) =>
  `{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, ${meta('f')}, spec: {${spec}configPatches: [{applyTo: ${applyTo}, match: {${match}}, patch: {operation: ${operation}, value: {name: lua}}}]}}`;
export const workload = (app: string) =>
  `{${NETWORKING}, kind: WorkloadEntry, ${meta(app)}, spec: {address: 10.0.0.1, serviceAccount: ${app}, labels: {app: ${app}}, ports: {http: 8080}}}`;
export const service = (ports: string, app = 'a') =>
  `{apiVersion: v1, kind: Service, ${meta(app)}, spec: {selector: {app: ${app}}, ports: ${ports}}}`;
export const pod = (labels: string, namespace = 'shop', containers = '[{name: app, image: x}]') =>
  `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ${namespace}, labels: ${labels}}, spec: {containers: ${containers}}}`;
export const namespace = (name: string, labels = '{}') =>
  `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}, labels: ${labels}}}`;
export const tokens = `{${SECURITY}, kind: RequestAuthentication, ${meta('ra')}, spec: {jwtRules: [{issuer: a}]}}`;

export const HTTP = '[{name: http, port: 80, targetPort: 8080}]';
export const TLS_SERVER =
  '{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["a.example"], tls: {mode: SIMPLE, credentialName: x}}';
export const INGRESS = '{istio: ingress}';
export const on = (server: string) => `{selector: ${INGRESS}, servers: [${server}]}`;
export const SECRET = (data: string) =>
  `{apiVersion: v1, kind: Secret, ${meta('x')}, type: kubernetes.io/tls, data: ${data}}`;
export const istiod =
  '{apiVersion: apps/v1, kind: Deployment, metadata: {name: istiod, namespace: istio-system, labels: {app: istiod}}, spec: {selector: {matchLabels: {app: istiod}}, template: {metadata: {labels: {app: istiod}}, spec: {containers: [{name: discovery, image: x}]}}}}';
export const annotated = (text: string, annotations: string) =>
  text.replace('namespace: shop', `namespace: shop, annotations: {${annotations}}`);
