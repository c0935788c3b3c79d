import { expect, it } from 'vitest';
import { problemsOf, warningsOf } from '../../../test/kit/validated.ts';

function service(spec: string): string {
  return `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: a}, spec: ${spec}}`;
}
const to = (host: string) => `route: [{destination: {host: ${host}}}]`;
const http = (rule: string) => service(`{hosts: [a.b], http: [${rule}]}`);

it.each([
  http(`{${to('v1')}}`),
  http(
    `{match: [{uri: {prefix: /a}, headers: {x: {exact: y}}, queryParams: {q: {regex: "a.*"}}}], route: [{destination: {host: a, subset: v1, port: {number: 80}}, weight: 90}, {destination: {host: a, subset: v2}, weight: 10}], timeout: 5s, retries: {attempts: 3, perTryTimeout: 2s, retryOn: 5xx}}`,
  ),
  http('{redirect: {uri: /new, redirectCode: 302}}'),
  http('{directResponse: {status: 503, body: {string: away}}}'),
  service(
    '{hosts: [a.b], gateways: [shop/edge], tls: [{match: [{port: 443, sniHosts: [a.b]}], route: [{destination: {host: a}}]}]}',
  ),
  service(`{hosts: ["*"], gateways: [edge], tcp: [{match: [{port: 27017}], ${to('mongo')}}]}`),
  service(`{http: [{${to('a')}}]}`),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
  expect(warningsOf(yaml)).toEqual([]);
});

it.each([
  [service('{hosts: [a.b]}'), 'spec: must have at least one of http, tls and tcp'],
  [
    service(`{hosts: ["*"], http: [{${to('a')}}]}`),
    'spec.hosts[0]: wildcard host "*" is not allowed for the gateway "mesh"; name a Gateway',
  ],
  [http('{}'), 'spec.http[0]: must have a route, a redirect, a directResponse or a delegate'],
  [
    http(`{${to('a')}, redirect: {uri: /}}`),
    'spec.http[0]: only one of route, redirect, directResponse and delegate can be set',
  ],
  [
    http(`{${to('"*"')}}`),
    'spec.http[0].route[0].destination.host: a destination cannot be "*"; name a service',
  ],
  [
    http('{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}]}'),
    'spec.http[0].route: the weights of several destinations must not all be 0',
  ],
  [
    http(`{match: [{}], ${to('a')}}`),
    'spec.http[0].match[0]: must have a condition; leave match out to mean every call',
  ],
  [
    http(`{match: [{uri: {exact: a, prefix: b}}], ${to('a')}}`),
    'spec.http[0].match[0].uri: only one of "exact", "prefix" can be set',
  ],
  [
    http(`{match: [{uri: {regex: "(?=a)"}}], ${to('a')}}`),
    'spec.http[0].match[0].uri.regex: "(?=a)" looks ahead, behind or back, which RE2 does not',
  ],
  [
    http(`{match: [{headers: {"@request.auth.claims.sub": {exact: x}}}], ${to('a')}}`),
    'spec.http[0].match[0].headers["@request.auth.claims.sub"]: claims of a token can be matched on gateways only; name one in gateways',
  ],
  [http(`{${to('a')}, fault: {}}`), 'spec.http[0].fault: must have an abort or a delay'],
  [
    http(`{${to('a')}, mirrorPercentage: {value: 101}}`),
    'spec.http[0].mirrorPercentage.value: must be between 0 and 100, not 101',
  ],
  [
    http(`{${to('a')}, timeout: 5}`),
    'spec.http[0].timeout: must be a string, not 5; put it in quotes',
  ],
  [
    service(
      '{hosts: [a.b], tls: [{match: [{sniHosts: [c.d]}], route: [{destination: {host: a}}]}]}',
    ),
    'spec.tls[0].match[0].sniHosts[0]: "c.d" is not one of spec.hosts, nor covered by one',
  ],
  [
    service(`{gateways: [g], http: [{${to('a')}}]}`),
    'spec.hosts: is required with gateways: a delegate has http only',
  ],
  [
    service('{http: [{delegate: {name: x}}]}'),
    'spec.http[0].delegate: a delegate cannot delegate further',
  ],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});

it.each([
  [
    service(`{hosts: [a.b], http: [{${to('a')}}, {match: [{uri: {exact: /}}], ${to('b')}}]}`),
    'spec.http[1]: is never reached: rule 0 before it matches everything',
  ],
  [
    service(
      `{hosts: [a.b], http: [{match: [{uri: {exact: /}}], ${to('a')}}, {match: [{name: n, uri: {exact: /}}], ${to('b')}}]}`,
    ),
    'spec.http[1]: is never reached: rule 0 has the same matches',
  ],
  [
    service(`{hosts: [a.b], gateways: [edge.shop.svc.cluster.local], http: [{${to('a')}}]}`),
    'spec.gateways[0]: "edge.shop.svc.cluster.local" is the old form; write <namespace>/<name>',
  ],
])('warns of %s', (yaml, warning) => {
  expect(warningsOf(yaml)).toEqual([warning]);
});
