import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string, name = 'reviews'): string {
  return `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: ${spec}}`;
}

it('takes what kubectl prints of a Service', () => {
  const printed = `
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: shop
      uid: 3f5f1f5e-8a5a-4e0e-9f7c-0d7b3f1f7a11
      resourceVersion: "812"
      creationTimestamp: "2026-01-31T12:00:00Z"
      labels: {app: reviews, service: reviews}
      annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
    spec:
      allocateLoadBalancerNodePorts: true
      clusterIP: 10.96.14.3
      clusterIPs: [10.96.14.3]
      externalTrafficPolicy: Cluster
      internalTrafficPolicy: Cluster
      ipFamilies: [IPv4]
      ipFamilyPolicy: SingleStack
      loadBalancerSourceRanges: [10.0.0.0/8]
      ports:
      - {name: http, nodePort: 31234, port: 9080, protocol: TCP, targetPort: 9080, appProtocol: http}
      - {name: metrics, port: 9090, targetPort: http-metrics}
      - {name: dns, port: 9090, protocol: UDP}
      selector: {app: reviews}
      sessionAffinity: ClientIP
      sessionAffinityConfig: {clientIP: {timeoutSeconds: 10800}}
      publishNotReadyAddresses: false
      trafficDistribution: PreferClose
      type: LoadBalancer
    status:
      loadBalancer: {ingress: [{ip: 1.2.3.4}]}
  `;
  expect(problemsOf(printed)).toEqual([]);
});

it('fills in type and protocol', () => {
  expect(resourceOf(withSpec('{ports: [{port: 80}]}'))).toMatchObject({
    spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }] },
  });
});

it.each([
  '{clusterIP: None}',
  '{clusterIP: None, clusterIPs: [None], ports: [{port: 1}]}',
  '{type: ExternalName, externalName: db.example.com.}',
  '{ports: [{port: 53, protocol: TCP, name: a}, {port: 53, protocol: UDP, name: b}]}',
  '{clusterIP: "", ports: [{port: 1, targetPort: "a", name: ""}]}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(withSpec(spec))).toEqual([]);
});

it.each([
  ['{}', 'spec.ports: is required; only a headless or ExternalName Service has no ports'],
  ['{ports: [{}]}', 'spec.ports[0].port: is required'],
  ['{ports: [{port: 0}]}', 'spec.ports[0].port: must be between 1 and 65535, not 0'],
  [
    '{ports: [{port: "80"}]}',
    'spec.ports[0].port: must be a whole number, not "80"; leave out the quotes',
  ],
  [
    '{ports: [{port: 80, protocol: tcp}]}',
    'spec.ports[0].protocol: "tcp" is not one of TCP, UDP, SCTP; did you mean "TCP"?',
  ],
  [
    '{ports: [{port: 80, targetPort: true}]}',
    'spec.ports[0].targetPort: must be a whole number or a string, not true',
  ],
  [
    '{ports: [{port: 80, targetPort: 70000}]}',
    'spec.ports[0].targetPort: must be between 1 and 65535, not 70000',
  ],
  ...['80', 'Http', 'a--b', 'abcdefghijklmnop', ''].map((name) => [
    `{ports: [{port: 80, targetPort: "${name}"}]}`,
    `spec.ports[0].targetPort: "${name}" is not the name of a port; use up to 15 lower case letters, digits and "-" with a letter among them, or a number without quotes`,
  ]),
  [
    '{ports: [{port: 80, name: a}, {port: 81}]}',
    'spec.ports[1].name: is required where there is more than one port',
  ],
  [
    '{ports: [{port: 80, name: a}, {port: 81, name: a}]}',
    'spec.ports[1].name: the name "a" is there already',
  ],
  [
    '{ports: [{port: 80, name: a}, {port: 80, name: b}]}',
    'spec.ports[1].port: the port 80/TCP is there already',
  ],
  [
    '{ports: [{port: 80, name: A}]}',
    'spec.ports[0].name: "A" is not a name here; use lower case letters, digits and "-", and begin and end with a letter or digit',
  ],
  ['{type: ExternalName}', 'spec.externalName: must not be empty'],
  ['{ports: [{port: 1}], clusterIP: none}', 'spec.clusterIP: "none" is not an IP address or None'],
  ['{ports: [{port: 1}], clusterIPs: [a]}', 'spec.clusterIPs[0]: "a" is not an IP address'],
  ['{ports: [{port: 1}], externalIPs: [None]}', 'spec.externalIPs[0]: "None" is not an IP address'],
  [
    '{ports: [{port: 1}], loadBalancerSourceRanges: [10.0.0.1]}',
    'spec.loadBalancerSourceRanges[0]: "10.0.0.1" is not a CIDR range',
  ],
  [
    '{ports: [{port: 1}], selector: {app: "*"}}',
    'spec.selector.app: "*" is not a label; use letters, digits, "-", "_" and ".", and begin and end with a letter or digit',
  ],
  [
    '{ports: [{port: 1}], selectors: {}}',
    'spec.selectors: unknown field "selectors"; did you mean "selector"?',
  ],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(withSpec(spec))).toEqual([problem]);
});

it.each(['9a', 'a.b', 'A', 'a'.repeat(64)])(
  'refuses the name %s, which DNS could not have',
  (name) => {
    expect(problemsOf(withSpec('{ports: [{port: 1}]}', name))).toEqual([
      expect.stringMatching(/^metadata.name: /),
    ]);
  },
);
