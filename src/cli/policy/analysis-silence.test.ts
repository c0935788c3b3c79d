import { describe, expect, it } from 'vitest';
import {
  annotated,
  entry,
  envoyFilter,
  gateway,
  HTTP,
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
} from '../../../test/kit/analysis-documents.ts';
import { examineManifest } from '../../resources/examine-manifest.ts';
import { analysisMessages } from './analysis-messages.ts';

function messagesOf(documents: readonly string[]) {
  const text = documents.join('\n---\n');
  return analysisMessages([{ source: 'mesh.yaml', documents: examineManifest(text) }]);
}

const PLAIN = '{port: {number: 80, name: http, protocol: HTTP}, hosts: ["a.example"]}';
const ISTIO_GATEWAY = (server: string) =>
  `{selector: {istio: ingressgateway}, servers: [${server}]}`;
const toA = (more: string) => `{hosts: [a], http: [{${more}route: [{destination: {host: a}}]}]}`;

/** What looks like a case of the code and is none. */
const cases: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'IST0101',
    'a namespace that exists, in any case, or that a wildcard names',
    [
      namespace('bank'),
      workload('a'),
      policy('p', '{rules: [{from: [{source: {namespaces: [BANK, "ba*", "*nk", "*"]}}]}]}'),
    ],
  ],
  [
    'IST0101',
    'a namespace that something is in',
    [
      peers('d', '{}', 'bank'),
      workload('a'),
      policy('p', '{rules: [{from: [{source: {namespaces: [bank, shop]}}]}]}'),
    ],
  ],
  ['IST0101', 'the gateway that Istio installs', [gateway('gw', ISTIO_GATEWAY(PLAIN))]],
  [
    'IST0101',
    'a Secret where the proxy of the gateway is',
    [
      SECRET('{tls.crt: eA==, tls.key: eA==}').replace(
        'namespace: shop',
        'namespace: istio-system',
      ),
      gateway('gw', ISTIO_GATEWAY(TLS_SERVER)),
    ],
  ],
  ['IST0101', 'a destination that is there', [service(HTTP), routes(toA(''))]],
  [
    'IST0101',
    'a gateway of the Gateway API',
    [
      service(HTTP),
      `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, namespace: shop}, spec: {listeners: [{port: 80}]}}`,
      routes('{hosts: [a.example], gateways: [gw], http: [{route: [{destination: {host: a}}]}]}'),
    ],
  ],
  [
    'IST0102',
    'a namespace that asks for no sidecars',
    [namespace('shop', '{istio-injection: disabled}'), pod('{app: a}')],
  ],
  [
    'IST0103',
    'a Pod that asks for no sidecar',
    [
      namespace('shop', '{istio-injection: enabled}'),
      annotated(pod('{app: a}'), 'sidecar.istio.io/inject: "false"'),
    ],
  ],
  [
    'IST0103',
    'a Pod with a sidecar',
    [
      namespace('shop', '{istio-injection: enabled}'),
      pod('{app: a}', 'shop', '[{name: istio-proxy, image: x}]'),
    ],
  ],
  [
    'IST0106',
    'a kind of Kubernetes or of Istio that Hauberk does not have',
    [
      envoyFilter('MERGE', 'CLUSTER'),
      '{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}}',
      '{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}}',
    ],
  ],
  [
    'IST0107',
    'an annotation in its place',
    [annotated(pod('{app: a}'), 'sidecar.istio.io/inject: "true"')],
  ],
  [
    'IST0108',
    "an annotation that is none of Istio's, or one of Istio's",
    [
      annotated(
        pod('{app: a}'),
        'example.org/istio.io: x, "traffic.sidecar.istio.io/excludeInboundPorts": "80"',
      ),
    ],
  ],
  [
    'IST0110',
    'Sidecars for different workloads',
    ['a', 'b'].flatMap((app) => [
      workload(app),
      sidecar(app, `{workloadSelector: {labels: {app: ${app}}}, egress: [{hosts: ["./*"]}]}`),
    ]),
  ],
  [
    'IST0111',
    'one Sidecar for all and one for some',
    [
      workload('a'),
      sidecar('s', '{egress: [{hosts: ["./*"]}]}'),
      sidecar('t', '{workloadSelector: {labels: {app: a}}, egress: [{hosts: ["./*"]}]}'),
    ],
  ],
  [
    'IST0113',
    'plaintext to a server that takes both',
    [service(HTTP), workload('a'), rule('{host: a, trafficPolicy: {tls: {mode: DISABLE}}}')],
  ],
  [
    'IST0115',
    'mutual TLS to a workload with a proxy',
    [service(HTTP), pod('{app: a}'), rule('{host: a, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}')],
  ],
  ['IST0118', 'a port with the prefix of a protocol', [service('[{name: grpc-web-x, port: 80}]')]],
  [
    'IST0118',
    'a Service of the mesh itself',
    [service('[{name: web, port: 80}]').replaceAll('shop', 'istio-system')],
  ],
  [
    'IST0125',
    'values that are good',
    [
      annotated(
        pod('{app: a}'),
        '"traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8, fd00::/8", "readiness.status.sidecar.istio.io/periodSeconds": "10"',
      ),
    ],
  ],
  [
    'IST0127',
    'a mesh-wide policy of a mesh without workloads',
    [policy('p', '{}').replace('namespace: shop', 'namespace: istio-system')],
  ],
  [
    'IST0127',
    'a selector of the root namespace that picks a workload elsewhere',
    [
      workload('a'),
      policy('p', '{selector: {matchLabels: {app: a}}}').replace(
        'namespace: shop',
        'namespace: istio-system',
      ),
    ],
  ],
  [
    'IST0128',
    'a server whose authority is named',
    [
      service(HTTP),
      rule('{host: a, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /etc/ca.pem}}}'),
    ],
  ],
  [
    'IST0129',
    'a subset, which is not looked at',
    [
      service(HTTP),
      workload('a'),
      rule(
        '{host: a, subsets: [{name: v1, labels: {app: a}, trafficPolicy: {tls: {mode: SIMPLE}}}]}',
      ),
    ],
  ],
  [
    'IST0130',
    'a rule for everything behind one for something',
    [
      service(HTTP),
      routes(
        '{hosts: [a], http: [{match: [{uri: {prefix: /a}}], route: [{destination: {host: a}}]}, {route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0131',
    'matches of another method, or exact behind a prefix',
    [
      service(HTTP),
      routes(
        '{hosts: [a], http: [{match: [{uri: {prefix: /a}, method: {exact: GET}}, {uri: {prefix: /ab}, method: {exact: POST}}, {uri: {exact: /a}, method: {exact: GET}}], route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0132',
    'a host that a Gateway serves to the namespace, one of several',
    [
      service(HTTP),
      gateway('gw', ISTIO_GATEWAY(PLAIN.replace('"a.example"', '"./*.example", "other/b.org"'))),
      routes(
        '{hosts: [a.example, c.org], gateways: [gw], http: [{route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0133',
    'a selector with labels',
    [workload('a'), policy('p', '{selector: {matchLabels: {app: a}}, rules: [{}]}')],
  ],
  [
    'IST0134',
    'HTTP, and TCP with addresses, written or allocated',
    [
      entry(
        'e',
        '{hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}',
      ),
      entry(
        'f',
        '{hosts: [b.example], addresses: [10.0.0.1], ports: [{number: 1, name: tcp, protocol: TCP}], resolution: DNS}',
      ),
      entry(
        'g',
        '{hosts: [c.example], ports: [{number: 1, name: tcp, protocol: TCP}], resolution: DNS}, status: {addresses: [{value: 240.240.0.1}]}',
      ),
    ],
  ],
  [
    'IST0138',
    'one certificate on gateways of different proxies',
    [
      gateway('gw', on(TLS_SERVER)),
      gateway('hw', on(TLS_SERVER).replace('istio: ingress', 'istio: egress')),
    ],
  ],
  [
    'IST0145',
    'one host on different ports, or of different proxies',
    [
      gateway('gw', on(PLAIN)),
      gateway('hw', on(PLAIN.replace('80', '81'))),
      gateway('iw', on(PLAIN).replace('istio: ingress', 'istio: egress')),
    ],
  ],
  [
    'IST0149',
    'claims that are checked in the namespace of the proxy',
    [
      service(HTTP),
      tokens.replace('namespace: shop', 'namespace: istio-system'),
      gateway('gw', ISTIO_GATEWAY(PLAIN)),
      routes(
        '{hosts: [a.example], gateways: [gw], http: [{match: [{headers: {"@request.auth.claims.group": {exact: x}}}], route: [{destination: {host: a}}]}]}',
      ),
    ],
  ],
  [
    'IST0151',
    'an order that a priority gives, or that does not matter',
    [
      envoyFilter('INSERT_BEFORE', 'HTTP_FILTER', { spec: 'priority: 10, ' }),
      envoyFilter('INSERT_FIRST', 'HTTP_FILTER'),
      envoyFilter('MERGE', 'CLUSTER'),
      '{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: f}, spec: {configPatches: [null, 7, {patch: null}]}}',
    ],
  ],
  [
    'IST0152',
    'the replacement of a filter',
    [envoyFilter('REPLACE', 'HTTP_FILTER', { spec: 'priority: 1, ' })],
  ],
  ['IST0153', 'the addition of a cluster', [envoyFilter('ADD', 'CLUSTER')]],
  ['IST0154', 'the removal of a filter', [envoyFilter('REMOVE', 'HTTP_FILTER')]],
  [
    'IST0155',
    'another filter for one version',
    [
      envoyFilter('INSERT_FIRST', 'HTTP_FILTER', { match: 'proxy: {proxyVersion: x}' }).replace(
        'name: lua',
        'name: other',
      ),
      envoyFilter('INSERT_AFTER', 'HTTP_FILTER'),
    ],
  ],
  [
    'IST0159',
    'Telemetries for different workloads',
    ['a', 'b'].flatMap((app) => [
      workload(app),
      telemetry(app, `{selector: {matchLabels: {app: ${app}}}}`),
    ]),
  ],
  ['IST0160', 'one Telemetry of a namespace', [telemetry('t', '{}')]],
  [
    'IST0162',
    'a port that the Service before the proxy has, under either number',
    [gateway('gw', ISTIO_GATEWAY(PLAIN))],
  ],
  [
    'IST0166',
    'a selector that picks no gateway',
    [
      pod('{gateway.networking.k8s.io/gateway-name: gw}'),
      workload('a'),
      policy('p', '{selector: {matchLabels: {app: a}}}'),
    ],
  ],
  [
    'IST0167',
    'a namespace that has sidecars beside ambient mode',
    [
      namespace('shop', '{istio.io/dataplane-mode: ambient, istio-injection: enabled}'),
      sidecar('s', '{egress: [{hosts: ["./*"]}]}'),
    ],
  ],
  ['IST0170', 'a Service that is the same twice', [service(HTTP), service(HTTP)]],
  [
    'IST0171',
    'a condition that is as it should be',
    [
      peers('d', '{}').replace(
        ', spec',
        ', status: {conditions: [{type: Ready, status: "True"}]}, spec',
      ),
    ],
  ],
  [
    'IST0173',
    'a subset by where workloads run',
    [
      service(HTTP),
      workload('a'),
      rule('{host: a, subsets: [{name: z, labels: {topology.kubernetes.io/zone: z}}]}'),
    ],
  ],
  [
    'IST0174',
    'hosts with wildcards that something has',
    [service(HTTP), rule('{host: "*.shop.svc.cluster.local"}')],
  ],
  ['IST0175', 'an istiod without anything to fetch', [istiod]],
  [
    'IST0177',
    'entries that nobody knows both of',
    ['e', 'f'].map((name, index) =>
      entry(
        name,
        `{hosts: [a.example], exportTo: ["."], ports: [{number: 80, name: p, protocol: ${index === 0 ? 'HTTP' : 'TLS'}}], resolution: DNS}`,
      ).replace('namespace: shop', `namespace: ${name}`),
    ),
  ],
];

describe('analysis', () => {
  it.each(cases)('does not say %s of %s', (code, _what, documents) => {
    const said = messagesOf(documents);
    expect(said.filter((each) => each.code === code)).toEqual([]);
  });

  it('has a case for every code of Istio', () => {
    const tried = new Set(cases.map(([code]) => code));
    expect(tried.size).toBeGreaterThanOrEqual(38);
  });
});
