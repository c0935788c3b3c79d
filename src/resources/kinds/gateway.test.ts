import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

function gateway(servers: string, name = 'edge'): string {
  return `{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: ${name}}, spec: {selector: {istio: ingressgateway}, servers: ${servers}}}`;
}
const https = (tls: string) =>
  gateway(
    `[{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*.example.com"], tls: ${tls}}]`,
  );
const http = (hosts: string) =>
  gateway(`[{port: {number: 80, name: http, protocol: HTTP}, hosts: ${hosts}}]`);

it.each([
  https('{mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_2}'),
  https('{mode: MUTUAL, serverCertificate: a, privateKey: b, caCertificates: c}'),
  https('{mode: ISTIO_MUTUAL}'),
  https('{mode: PASSTHROUGH}'),
  https('{mode: SIMPLE, credentialNames: [rsa, ecdsa]}'),
  http('[api.example.com, "*", "shop/*.example.com", "./a.b", 10.0.0.1]'),
  gateway(
    '[{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.b], tls: {httpsRedirect: true}}]',
  ),
  gateway('[{port: {number: 0, name: x, protocol: HTTP}, bind: "unix:///run/x", hosts: ["*"]}]'),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
  expect(warningsOf(yaml)).toEqual([]);
});

it.each([
  [
    https('{mode: SIMPLE}'),
    [
      'tls.serverCertificate: is required with the mode SIMPLE',
      'tls.privateKey: is required with the mode SIMPLE',
    ],
  ],
  [
    https('{mode: MUTUAL, serverCertificate: a, privateKey: b}'),
    ['tls.caCertificates: is required with the mode MUTUAL: who may call is said by it'],
  ],
  [
    https('{mode: ISTIO_MUTUAL, credentialName: c}'),
    ['tls.credentialName: cannot be set with the mode ISTIO_MUTUAL, which has its own'],
  ],
  [
    https('{mode: SIMPLE, credentialName: a, credentialNames: [b]}'),
    ['tls: only one of credentialName, credentialNames can be set'],
  ],
  [
    https('{mode: SIMPLE, credentialName: a, caCrl: x}'),
    [
      'tls.caCrl: cannot be set with the mode SIMPLE',
      'tls.caCrl: cannot be set together with credentialName',
    ],
  ],
  [http('[]'), ['hosts: must have at least one host']],
  [
    http('[api]'),
    ['hosts[0]: "api" is a short name; write the full one, such as "api.example.com"'],
  ],
  [
    http('["*foo.com"]'),
    ['hosts[0]: "*foo.com" has a partial wildcard; use "*" for any host or "*.example.com"'],
  ],
  [
    gateway('[{port: {number: 443, name: a, protocol: HTTPS}, hosts: [a.b]}]'),
    ['tls: is required with the protocol HTTPS'],
  ],
  [
    gateway('[{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.b], tls: {mode: SIMPLE}}]'),
    ['tls: cannot be set with the plain text protocol HTTP, other than httpsRedirect; use HTTPS'],
  ],
  [
    gateway('[{port: {number: 80, name: a, protocol: TCP}, hosts: [a.b], tls: {mode: SIMPLE}}]'),
    ['tls: cannot be set with the protocol TCP; use TLS or HTTPS'],
  ],
  [
    gateway(
      '[{port: {number: 0, name: "", protocol: HTPT, targetPort: 1}, hosts: [a.b], bind: x}]',
    ),
    [
      'port.name: must not be empty',
      'port.protocol: "HTPT" is not one of HTTP, HTTP2, HTTPS, HTTP_PROXY, GRPC, GRPC-WEB, TCP, TLS, UDP, MONGO, REDIS, MYSQL, HBONE',
      'port.targetPort: is not supported on a gateway',
      'port.number: must be between 1 and 65535, not 0',
      'bind: "x" is not an IP address or a unix:// path',
    ],
  ],
])('refuses %s', (yaml, problems) => {
  expect(problemsOf(yaml)).toEqual(problems.map((problem) => `spec.servers[0].${problem}`));
});

it('refuses a gateway without servers, with a dotted name, or with two ports of one name', () => {
  expect(problemsOf(gateway('[]'))).toEqual(['spec.servers: must have at least one server']);
  expect(problemsOf(gateway('[]', 'a.b'))[0]).toMatch(/^metadata\.name: "a\.b" is not a name/);
  const port = (number: number) =>
    `{port: {number: ${number}, name: a, protocol: HTTP}, hosts: [a.b]}`;
  expect(problemsOf(gateway(`[${port(80)}, ${port(81)}]`))).toEqual([
    'spec.servers[1].port.name: the port name "a" is there already',
  ]);
});

it.each([
  [
    '{mode: PASSTHROUGH, credentialName: a}',
    'tls: credentialName is ignored with the mode PASSTHROUGH',
  ],
  [
    '{mode: ISTIO_MUTUAL, cipherSuites: [FOO]}',
    'tls.cipherSuites: ignoring invalid cipher suites: FOO',
  ],
  [
    '{mode: ISTIO_MUTUAL, minProtocolVersion: TLSV1_0}',
    'tls.minProtocolVersion: TLSV1_0 needs cipherSuites that it has; none of the usual ones works with it',
  ],
  [
    '{mode: ISTIO_MUTUAL, httpsRedirect: true}',
    'tls.httpsRedirect: has no effect on a server that does not speak plain HTTP',
  ],
])('warns of the TLS %s', (tls, warning) => {
  expect(warningsOf(https(tls))).toEqual([`spec.servers[0].${warning}`]);
});
