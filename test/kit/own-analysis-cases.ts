import { HTTP, peers, policy, rule, service, workload } from './analysis-documents.ts';

/** A code, of what it is said, and documents of which it is. */
export type AnalysisCase = readonly [string, string, readonly string[]];

/** Of the codes that are Hauberk's own. */
export const ownAnalysisCases: readonly AnalysisCase[] = [
  [
    'HBK0001',
    'AuthorizationPolicy shop/p',
    [
      workload('a'),
      policy(
        'p',
        '{rules: [{from: [{source: {principals: ["td/*"]}}]}, {from: [{source: {principals: [td/a]}}], to: [{operation: {ports: ["80"]}}]}]}',
      ),
    ],
  ],
  [
    'HBK0002',
    'AuthorizationPolicy shop/p',
    [
      workload('a'),
      policy('p', '{rules: [{from: [{source: {principals: [a]}}]}]}'),
      policy('q', '{action: DENY, rules: [{}]}'),
    ],
  ],
  [
    'HBK0003',
    'AuthorizationPolicy shop/p',
    [
      workload('a'),
      policy('p', '{rules: [{when: [{key: "experimental.envoy.filters.a[b]", values: [x]}]}]}'),
    ],
  ],
  [
    'HBK0004',
    'AuthorizationPolicy shop/p',
    [
      workload('a'),
      service('[{name: tcp-db, port: 5432}]'),
      policy('p', '{rules: [{to: [{operation: {methods: [GET], ports: ["5432"]}}]}]}'),
    ],
  ],
  [
    'HBK0005',
    'PeerAuthentication istio-system/d',
    [peers('d', '{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}}', 'istio-system')],
  ],
  [
    'HBK0005',
    'PeerAuthentication shop/e',
    [peers('d', '{}'), peers('e', '{mtls: {mode: STRICT}}')],
  ],
  [
    'HBK0006',
    'PeerAuthentication shop/d',
    [
      workload('a'),
      service(HTTP),
      peers('d', '{selector: {matchLabels: {app: a}}, portLevelMtls: {80: {mode: STRICT}}}'),
    ],
  ],
  [
    'HBK0007',
    'DestinationRule shop/dr',
    [
      workload('a'),
      service(HTTP),
      rule('{host: a, trafficPolicy: {tls: {cipherSuites: [AES128-GCM-SHA256]}}}'),
    ],
  ],
  [
    'HBK0007',
    'DestinationRule shop/dr',
    [
      workload('a'),
      service(HTTP),
      rule(
        '{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {maxProtocolVersion: TLSV1_2}}]}}',
      ),
    ],
  ],
  [
    'HBK0007',
    'DestinationRule shop/dr',
    [
      workload('a'),
      service(HTTP),
      rule(
        '{host: a, subsets: [{name: v, labels: {app: a}, trafficPolicy: {tls: {minProtocolVersion: TLSV1_3}}}]}',
      ),
    ],
  ],
  [
    'HBK0008',
    'DestinationRule shop/dr',
    [
      workload('a'),
      service(HTTP),
      rule('{host: a, trafficPolicy: {tls: {mode: SIMPLE, credentialName: bank}}}'),
    ],
  ],
  [
    'HBK0008',
    'DestinationRule shop/dr',
    [
      workload('a'),
      service(HTTP),
      rule(
        '{host: a, subsets: [{name: v, labels: {app: a}, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: MUTUAL, credentialName: bank}}]}}]}',
      ),
    ],
  ],
];
