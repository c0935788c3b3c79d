import {
  entry,
  envoyFilter,
  gateway,
  HTTP,
  INGRESS,
  istiod,
  namespace,
  on,
  peers,
  pod,
  policy,
  routes,
  rule,
  SECRET,
  service,
  sidecar,
  TLS_SERVER,
  telemetry,
  tokens,
  workload,
} from './analysis-documents.ts';
import { type AnalysisCase, ownAnalysisCases } from './own-analysis-cases.ts';

/** Of Istio's codes, and of ours. */
export const analysisCases: readonly AnalysisCase[] = [
  [
    'IST0101',
    'AuthorizationPolicy shop/p',
    [
      namespace('shop'),
      workload('a'),
      policy('p', '{rules: [{from: [{source: {namespaces: [bank]}}]}]}'),
    ],
  ],
  [
    'IST0101',
    'Gateway shop/gw',
    [gateway('gw', on('{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}'))],
  ],
  [
    'IST0101',
    'VirtualService shop/vs',
    [routes('{hosts: [a], http: [{route: [{destination: {host: missing}}]}]}')],
  ],
  [
    'IST0101',
    'Sidecar shop/s',
    [sidecar('s', '{workloadSelector: {labels: {app: x}}, egress: [{hosts: ["./*"]}]}')],
  ],
  ['IST0102', 'Namespace shop', [namespace('shop'), pod('{app: a}')]],
  ['IST0103', 'Pod shop/p', [namespace('shop', '{istio-injection: enabled}'), pod('{app: a}')]],
  ['IST0106', 'PeerAuthentication shop/d', [peers('d', '{mtls: {mode: STRIKT}}')]],
  [
    'IST0107',
    'Service shop/a',
    [
      service(HTTP).replace(
        'namespace: shop',
        'namespace: shop, annotations: {sidecar.istio.io/inject: "true"}',
      ),
    ],
  ],
  [
    'IST0108',
    'AuthorizationPolicy shop/p',
    [workload('a'), policy('p', '{rules: [{}]}', ', annotations: {istio.io/dry-ran: "true"}')],
  ],
  [
    'IST0110',
    'Sidecar shop/s',
    ['s', 't']
      .map((name) =>
        sidecar(name, '{workloadSelector: {labels: {app: a}}, egress: [{hosts: ["./*"]}]}'),
      )
      .concat(workload('a')),
  ],
  [
    'IST0111',
    'Sidecar shop/s',
    ['s', 't'].map((name) => sidecar(name, '{egress: [{hosts: ["./*"]}]}')),
  ],
  [
    'IST0113',
    'DestinationRule shop/dr',
    [
      service(HTTP),
      workload('a'),
      peers('d', '{mtls: {mode: STRICT}}'),
      rule('{host: a, trafficPolicy: {tls: {mode: DISABLE}}}'),
    ],
  ],
  [
    'IST0113',
    'DestinationRule shop/dr',
    [
      service(HTTP),
      workload('a'),
      peers('d', '{mtls: {mode: DISABLE}}'),
      rule(
        '{host: a.shop.svc.cluster.local, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: ISTIO_MUTUAL}}]}}',
      ),
    ],
  ],
  [
    'IST0113',
    'DestinationRule shop/dr',
    [peers('d', '{mtls: {mode: STRICT}}'), rule('{host: a, trafficPolicy: {tls: {mode: SIMPLE}}}')],
  ],
  [
    'IST0113',
    'DestinationRule shop/dr',
    [
      peers('d', '{mtls: {mode: STRICT}}', 'bank'),
      rule('{host: "*.bank.svc.cluster.local", trafficPolicy: {tls: {mode: DISABLE}}}'),
    ],
  ],
  [
    'IST0115',
    'DestinationRule shop/dr',
    [
      service(HTTP),
      pod('{app: a, sidecar.istio.io/inject: "false"}'),
      rule('{host: a, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}'),
    ],
  ],
  ['IST0118', 'Service shop/a', [service('[{name: web, port: 80}]')]],
  [
    'IST0125',
    'Pod shop/p',
    [
      pod('{app: a}').replace(
        'namespace: shop',
        'namespace: shop, annotations: {sidecar.istio.io/inject: "yes"}',
      ),
    ],
  ],
  [
    'IST0127',
    'AuthorizationPolicy shop/p',
    [workload('a'), policy('p', '{selector: {matchLabels: {app: b}}, rules: [{}]}')],
  ],
  [
    'IST0128',
    'DestinationRule shop/dr',
    [service(HTTP), rule('{host: a, trafficPolicy: {tls: {mode: SIMPLE}}}')],
  ],
  [
    'IST0129',
    'DestinationRule shop/dr',
    [
      service(HTTP),
      rule(
        '{host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE}}]}}',
      ),
    ],
  ],
  [
    'IST0130',
    'VirtualService shop/vs',
    [
      service(HTTP),
      routes(
        '{hosts: [a], http: [{route: [{destination: {host: a}}]}, {route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0131',
    'VirtualService shop/vs',
    [
      service(HTTP),
      routes(
        '{hosts: [a], http: [{match: [{uri: {exact: /a}}], route: [{destination: {host: a}}]}, {match: [{uri: {exact: /a}}, {uri: {exact: /b}}], route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0132',
    'VirtualService shop/vs',
    [
      service(HTTP),
      pod(INGRESS),
      gateway('gw', on('{port: {number: 80, name: http, protocol: HTTP}, hosts: ["b.example"]}')),
      routes('{hosts: [a.example], gateways: [gw], http: [{route: [{destination: {host: a}}]}]}'),
    ],
  ],
  [
    'IST0133',
    'AuthorizationPolicy shop/p',
    [workload('a'), policy('p', '{selector: {}, rules: [{}]}')],
  ],
  [
    'IST0134',
    'ServiceEntry shop/e',
    [
      entry(
        'e',
        '{hosts: [a.example], ports: [{number: 1, name: tcp, protocol: TCP}], resolution: DNS}',
      ),
    ],
  ],
  [
    'IST0138',
    'Gateway shop/gw',
    [
      pod(INGRESS),
      gateway('gw', on(TLS_SERVER)),
      gateway('hw', on(TLS_SERVER.replace('a.example', 'b.example'))),
    ],
  ],
  [
    'IST0145',
    'Gateway shop/gw',
    [pod(INGRESS), gateway('gw', on(TLS_SERVER)), gateway('hw', on(TLS_SERVER))],
  ],
  [
    'IST0149',
    'VirtualService shop/vs',
    [
      service(HTTP),
      pod(INGRESS),
      gateway('gw', on('{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}')),
      routes(
        '{hosts: [a.example], gateways: [gw], http: [{match: [{headers: {"@request.auth.claims.group": {exact: x}}}], route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  ['IST0151', 'EnvoyFilter shop/f', [envoyFilter('INSERT_BEFORE', 'HTTP_FILTER')]],
  ['IST0152', 'EnvoyFilter shop/f', [envoyFilter('REPLACE', 'CLUSTER')]],
  ['IST0153', 'EnvoyFilter shop/f', [envoyFilter('ADD', 'HTTP_ROUTE')]],
  ['IST0154', 'EnvoyFilter shop/f', [envoyFilter('REMOVE', 'ROUTE_CONFIGURATION')]],
  [
    'IST0155',
    'EnvoyFilter shop/f',
    [
      envoyFilter('INSERT_AFTER', 'HTTP_FILTER', { match: 'proxy: {proxyVersion: "^1[.]9.*"}' }),
      envoyFilter('INSERT_AFTER', 'HTTP_FILTER'),
    ],
  ],
  [
    'IST0159',
    'Telemetry shop/t',
    ['t', 'u']
      .map((name) => telemetry(name, '{selector: {matchLabels: {app: a}}}'))
      .concat(workload('a')),
  ],
  ['IST0160', 'Telemetry shop/t', ['t', 'u'].map((name) => telemetry(name, '{}'))],
  [
    'IST0167',
    'Sidecar shop/s',
    [
      namespace('shop', '{istio.io/dataplane-mode: ambient}'),
      sidecar('s', '{egress: [{hosts: ["./*"]}]}'),
    ],
  ],
  ['IST0170', 'Service shop/a', [service(HTTP), service('[{name: http, port: 81}]')]],
  [
    'IST0161',
    'Gateway shop/gw',
    [pod(INGRESS), SECRET('{tls.crt: bm8=, tls.key: bm8=}'), gateway('gw', on(TLS_SERVER))],
  ],
  [
    'IST0162',
    'Gateway shop/gw',
    [pod('{istio: ingress, app: a}'), service(HTTP), gateway('gw', on(TLS_SERVER))],
  ],
  [
    'IST0166',
    'AuthorizationPolicy shop/p',
    [
      pod('{app: a, gateway.networking.k8s.io/gateway-name: gw}'),
      policy('p', '{selector: {matchLabels: {app: a}}, rules: [{}]}'),
    ],
  ],
  [
    'IST0171',
    'PeerAuthentication shop/d',
    [
      peers('d', '{}').replace(
        ', spec',
        ', status: {conditions: [{type: Ready, status: "False"}]}, spec',
      ),
    ],
  ],
  [
    'IST0173',
    'DestinationRule shop/dr',
    [service(HTTP), workload('a'), rule('{host: a, subsets: [{name: v1, labels: {version: v1}}]}')],
  ],
  ['IST0174', 'DestinationRule shop/dr', [rule('{host: a}')]],
  ['IST0175', 'Deployment istio-system/istiod', [istiod, tokens]],
  [
    'IST0177',
    'ServiceEntry shop/e',
    [
      entry(
        'e',
        '{hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}',
      ),
      entry(
        'f',
        '{hosts: [a.example], ports: [{number: 80, name: tls, protocol: TLS}], resolution: DNS}',
      ),
    ],
  ],
  ...ownAnalysisCases,
];
