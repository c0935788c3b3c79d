import { expect, it } from 'vitest';
import { problemsOf, resourceOf, warningsOf } from '../../../test/kit/validated.ts';
import { type DestinationRule, destinationRule } from './destination-rule.ts';

function rule(spec: string): string {
  return `{apiVersion: networking.istio.io/v1alpha3, kind: DestinationRule, metadata: {name: a, namespace: shop}, spec: ${spec}}`;
}
const tls = (settings: string) => rule(`{host: a, trafficPolicy: {tls: ${settings}}}`);

it.each([
  '{host: user-service}',
  '{host: "*.example.com", trafficPolicy: {tls: {mode: SIMPLE, sni: a.example.com}}}',
  '{host: "*", trafficPolicy: {tls: {mode: ISTIO_MUTUAL, cipherSuites: [ECDHE-RSA-AES256-GCM-SHA384]}}}',
  '{host: 10.0.0.1, trafficPolicy: {tls: {minProtocolVersion: TLSV1_2, maxProtocolVersion: TLSV1_3}}}',
  '{host: a, trafficPolicy: {tls: {mode: MUTUAL, credentialName: c}}}',
  '{host: a, trafficPolicy: {tls: {mode: ISTIO_MUTUAL, clientCertificate: x}}}',
  '{host: a, trafficPolicy: {tls: {mode: MUTUAL, credentialName: c, insecureSkipVerify: true}}}',
  '{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 9090}, tls: {mode: DISABLE}}]}}',
  '{host: a, trafficPolicy: {outlierDetection: {consecutive5xxErrors: null}}}',
  '{host: a, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]}',
  '{host: a, exportTo: [".", other]}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(rule(spec))).toEqual([]);
  expect(warningsOf(rule(spec))).toEqual([]);
});

it.each([
  ['{}', ['spec.host: is required']],
  ['{host: ""}', ['spec.host: a host must not be empty']],
  [
    '{host: a.*.com}',
    [
      'spec.host: "a.*.com" is not a host: "*" is not a DNS label, and only the first label may have a wildcard',
    ],
  ],
  [
    '{host: 10.0.0.256}',
    ['spec.host: "10.0.0.256" is not a host: its top-level domain "256" is a number'],
  ],
  ['{host: a, trafficPolicy: {}}', ['spec.trafficPolicy: must have at least one field']],
  [
    '{host: a, trafficPolicy: {portLevelSettings: [{tls: {}}]}}',
    ['spec.trafficPolicy.portLevelSettings[0].port: must have a number between 1 and 65535'],
  ],
  [
    '{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}}]}}',
    ['spec.trafficPolicy.portLevelSettings[0]: must have at least one field beside the port'],
  ],
  [
    '{host: a, trafficPolicy: {tunnel: {targetHost: b, targetPort: 1}, proxyProtocol: {}}}',
    ['spec.trafficPolicy: tunnel and proxyProtocol cannot be set together'],
  ],
  [
    '{host: a, trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true, httpHeaderName: x}}}}',
    [
      'spec.trafficPolicy.loadBalancer.consistentHash: only one of "httpHeaderName", "useSourceIp" can be set',
      'spec.trafficPolicy.loadBalancer: only one of "simple", "consistentHash" can be set',
    ],
  ],
  [
    '{host: a, trafficPolicy: {connectionPool: {tcp: {connectTimeout: 10}}}}',
    [
      'spec.trafficPolicy.connectionPool.tcp.connectTimeout: must be a string, not 10; put it in quotes',
    ],
  ],
  [
    '{host: a, subsets: [{name: v1}, {name: v1}, {name: ""}]}',
    [
      'spec.subsets[1].name: the subset "v1" is there already',
      'spec.subsets[2].name: must not be empty',
    ],
  ],
  ['{host: a, exportTo: ["*", b]}', ['spec.exportTo: "*" must stand alone']],
  ['{host: a, exportTo: [".", shop]}', ['spec.exportTo[1]: "shop" is there already']],
  [
    '{host: a, exportTo: ["~"]}',
    ['spec.exportTo[0]: "~" is not supported here; leave the resource out instead'],
  ],
  [
    '{host: a, workloadSelector: {matchLabels: {a: b}}, exportTo: ["*"]}',
    ['spec.exportTo: a rule with a workloadSelector cannot be exported beyond its own namespace'],
  ],
])('refuses the spec %s', (spec, problems) => {
  expect(new Set(problemsOf(rule(spec)))).toEqual(new Set(problems));
});

it.each([
  [
    '{mode: MUTUAL}',
    [
      'clientCertificate: is required with the mode MUTUAL',
      'privateKey: is required with the mode MUTUAL',
    ],
  ],
  [
    '{mode: SIMPLE, credentialName: c, caCertificates: x}',
    ['credentialName: cannot be set together with caCertificates'],
  ],
  [
    '{mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]}',
    ['insecureSkipVerify: cannot be set together with subjectAltNames, which say what to verify'],
  ],
  [
    '{mode: SIMPLE, insecureSkipVerify: true, credentialName: c}',
    ['insecureSkipVerify: cannot be set together with credentialName, which say what to verify'],
  ],
  [
    '{mode: SIMPLE, credentialName: "configmap://a"}',
    ['credentialName: "configmap://a" is not configmap://<namespace>/<name>'],
  ],
  [
    '{mode: SIMPLE, credentialName: "configmap://other/a"}',
    ['credentialName: must be in the namespace of the rule, "shop"'],
  ],
  [
    '{minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2}',
    ['minProtocolVersion: TLSV1_3 is above maxProtocolVersion TLSV1_2'],
  ],
])('refuses the client TLS %s', (settings, problems) => {
  const at = problems.map((problem) => `spec.trafficPolicy.tls.${problem}`);
  expect(problemsOf(tls(settings))).toEqual(at);
});

it('warns of cipher suites that no proxy knows', () => {
  expect(warningsOf(tls('{cipherSuites: [FOO, AES128-SHA, AES128-SHA]}'))).toEqual([
    'spec.trafficPolicy.tls.cipherSuites: ignoring unknown cipher suites: FOO',
    'spec.trafficPolicy.tls.cipherSuites: cipher suites given twice: AES128-SHA',
  ]);
});

it.each([
  ['{host: a}', []],
  // who may not use it must know that it hides less specific ones
  ['{host: a, exportTo: [b]}', []],
  ['{host: a, exportTo: [.]}', ['.']],
  ['{host: a, exportTo: [., b]}', []],
  ['{host: a, workloadSelector: {matchLabels: {a: b}}}', ['.']],
])('tells of %s to %j', (spec, targets) => {
  const resource = resourceOf(rule(spec)) as DestinationRule;
  expect(destinationRule.exportedTo?.(resource)).toEqual(targets);
});
