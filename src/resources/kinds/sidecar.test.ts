import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

function sidecar(spec: string): string {
  return `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: a}, spec: ${spec}}`;
}
const ingress = (rest: string) =>
  sidecar(`{ingress: [{port: {number: 9080, protocol: HTTPS, name: a}, ${rest}}]}`);

it.each([
  sidecar('{egress: [{hosts: ["./*", "istio-system/*"]}]}'),
  sidecar('{workloadSelector: {labels: {app: a}}, outboundTrafficPolicy: {mode: ALLOW_ANY}}'),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
  expect(warningsOf(yaml)).toEqual([]);
});

const IDLE = 'has no effect: nothing in the mesh acts on it yet';
const INGRESS =
  'counts by number and protocol of its ports alone: where the sidecar listens and whom it passes connections to is said when it is started, and tls and connectionPool have no effect yet';

it.each<readonly [string, string]>([
  [
    sidecar(
      '{outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: out.shop.svc.cluster.local}}}',
    ),
    `spec.outboundTrafficPolicy.egressProxy: ${IDLE}`,
  ],
  [sidecar('{inboundConnectionPool: {}}'), `spec.inboundConnectionPool: ${IDLE}`],
  [
    sidecar('{egress: [{port: {number: 80, protocol: HTTP}, hosts: ["./*"]}]}'),
    'spec.egress[0]: counts by its hosts alone: port, bind and captureMode have no effect yet',
  ],
  ...[
    'defaultEndpoint: "127.0.0.1:8080"',
    'defaultEndpoint: "unix:///run/a.sock"',
    'defaultEndpoint: "[::1]:8080"',
    'defaultEndpoint: ":8080"',
    'tls: {mode: SIMPLE, serverCertificate: a, privateKey: b}',
  ].map((rest) => [ingress(rest), `spec.ingress: ${INGRESS}`] as const),
])('takes %s and says what it does not do', (yaml, warning) => {
  expect(problemsOf(yaml)).toEqual([]);
  expect(warningsOf(yaml)).toEqual([warning]);
});

it.each([
  [sidecar('{}'), 'spec: must say something beside the selector'],
  [sidecar('{ingress: [{}]}'), 'spec.ingress[0].port: is required'],
  [sidecar('{egress: [{hosts: []}]}'), 'spec.egress[0].hosts: must have at least one host'],
  [
    sidecar('{egress: [{hosts: [a]}]}'),
    'spec.egress[0].hosts[0]: "a" is not of the form <namespace>/<host>, such as "./*"',
  ],
  [
    sidecar('{egress: [{hosts: ["./*"]}, {port: {number: 80, protocol: HTTP}, hosts: ["./*"]}]}'),
    'spec.egress[0]: the one without a port takes all the rest and must be the last',
  ],
  [
    sidecar('{outboundTrafficPolicy: {egressProxy: {host: a}}}'),
    'spec.outboundTrafficPolicy.egressProxy: needs the mode ALLOW_ANY',
  ],
  [
    ingress('defaultEndpoint: "10.0.0.1:80"'),
    'spec.ingress[0].defaultEndpoint: "10.0.0.1:80" must be 127.0.0.1, 0.0.0.0, [::1] or [::] with a port, or a Unix socket',
  ],
  [
    ingress('tls: {mode: ISTIO_MUTUAL}'),
    'spec.ingress[0].tls.mode: ISTIO_MUTUAL is not supported on the ingress of a sidecar',
  ],
  [
    sidecar('{ingress: [{port: {number: 80, protocol: HTTP}, tls: {mode: PASSTHROUGH}}]}'),
    'spec.ingress[0].tls: needs a port whose protocol is HTTPS or TLS',
  ],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});

it.each([
  ['{egress: [{hosts: ["./a.b", "./a.b"]}]}', 'spec.egress[0].hosts: has a host twice'],
  [
    '{egress: [{hosts: ["*/*", "./a.b"]}]}',
    'spec.egress[0].hosts: "*/*" has everything in it; the other hosts change nothing',
  ],
  [
    '{workloadSelector: {}, egress: [{hosts: ["./*"]}]}',
    'spec.workloadSelector: has no labels and therefore selects every workload; leave it out if that is meant',
  ],
])('warns of the spec %s', (spec, warning) => {
  expect(warningsOf(sidecar(spec))).toEqual([warning]);
});
