import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

function entry(spec: string): string {
  return `{apiVersion: networking.istio.io/v1beta1, kind: ServiceEntry, metadata: {name: a, namespace: shop}, spec: ${spec}}`;
}
const HTTPS = 'ports: [{number: 443, name: https, protocol: HTTPS}]';
const TCP = 'ports: [{number: 5432, name: db, protocol: TCP}]';

it.each([
  `{hosts: [api.example.com], ${HTTPS}, location: MESH_EXTERNAL, resolution: DNS}`,
  `{hosts: ["*.example.com"], ${HTTPS}, resolution: NONE}`,
  `{hosts: ["*.example.com"], ${HTTPS}, resolution: DYNAMIC_DNS}`,
  `{hosts: [db.shop], ${TCP}, addresses: [10.0.0.0/8], resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {db: 5433}}]}`,
  `{hosts: [db.shop], ${HTTPS}, location: MESH_INTERNAL, resolution: STATIC, workloadSelector: {labels: {app: db}}, exportTo: ["~"]}`,
  `{hosts: [a.b], ${HTTPS}, resolution: STATIC, endpoints: [{address: "unix:///run/x"}]}`,
])('takes the spec %s', (spec) => {
  expect(problemsOf(entry(spec))).toEqual([]);
  expect(warningsOf(entry(spec))).toEqual([]);
});

it.each([
  ['{hosts: []}', 'hosts: must have at least one element; leave it out if none is meant'],
  ['{hosts: ["*"]}', 'hosts[0]: a service cannot be "*"'],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: STATIC, endpoints: [{address: 10.0.0.1}], workloadSelector: {labels: {a: b}}}`,
    ': only one of workloadSelector and endpoints can be set',
  ],
  [
    `{hosts: [a.b], addresses: [10.0.0.0/8], ${HTTPS}, resolution: DNS}`,
    'addresses[0]: a range is allowed only with the resolutions NONE and STATIC, not DNS',
  ],
  [
    `{hosts: [a.b], addresses: [x], ${HTTPS}}`,
    'addresses[0]: "x" is not an IP address or CIDR range',
  ],
  [
    '{hosts: [a.b], ports: [{number: 80, name: a, protocol: HTTP}, {number: 80, name: b, protocol: HTTP}]}',
    'ports[1].number: the port 80 is there already',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: NONE, endpoints: [{address: 10.0.0.1}]}`,
    'endpoints: cannot be set with the resolution NONE; use STATIC or DNS',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: STATIC, endpoints: [{address: c.d}]}`,
    'endpoints[0].address: "c.d" must be an IP address or a Unix socket with the resolution STATIC',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: DNS_ROUND_ROBIN, endpoints: [{address: c.d}, {address: e.f}]}`,
    'endpoints: must be at most one with the resolution DNS_ROUND_ROBIN',
  ],
  [
    `{hosts: ["*.b"], ${HTTPS}, resolution: DNS}`,
    'hosts[0]: "*.b" cannot be looked up; with the resolution DNS and no endpoints a host is a full DNS name',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: DYNAMIC_DNS}`,
    'hosts[0]: "a.b" must have a wildcard with the resolution DYNAMIC_DNS',
  ],
  [
    `{hosts: [a.b, c.d], ${TCP}, addresses: [10.0.0.1], resolution: DNS}`,
    'ports[0].protocol: several hosts can be told apart on HTTP and TLS ports only; give the entry one host',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {x: 1}}]}`,
    'endpoints[0].ports.x: "x" is not a port of the service',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, workloadSelector: {labels: {a: "*"}}}`,
    'workloadSelector.labels.a: "*" has a wildcard; labels are compared as they are written',
  ],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(entry(spec))).toEqual([`spec${problem.startsWith(':') ? '' : '.'}${problem}`]);
});

it.each([
  [
    `{hosts: [a.b], ${TCP}, resolution: DNS}`,
    'spec.addresses: are required for ports serving TCP (or unset) protocol',
  ],
  [
    `{hosts: ["*b.com"], ${HTTPS}}`,
    'spec.hosts[0]: "*b.com" has a partial wildcard, which matches the text and not DNS labels',
  ],
  [
    `{hosts: [a.b], ${HTTPS}, workloadSelector: {labels: {a: b}}}`,
    'spec.workloadSelector: is not used with the resolution NONE',
  ],
])('warns of the spec %s', (spec, warning) => {
  expect(warningsOf(entry(spec))).toEqual([warning]);
});
