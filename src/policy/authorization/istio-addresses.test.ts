import { describe } from 'vitest';
import {
  type Asked,
  allow,
  deny,
  from,
  itAnswers,
  meshConfig,
  tcp,
  type VerdictRow,
  when,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const at = (ip: string, more: Readonly<Record<string, string>> = {}): Asked => ({
  source: { ip },
  http: { headers: more },
});
const path = (path: string): Asked => ({ http: { path } });
const host = (host: string): Asked => ({ http: { host } });
const header = (headers: Readonly<Record<string, string | readonly string[]>>): Asked => ({
  http: { headers },
});

const addresses: readonly VerdictRow[] = [
  ['ipBlocks with one address', allow(from('{ipBlocks: ["10.1.2.3"]}')), {}, 'allow'],
  ['ipBlocks with another address', allow(from('{ipBlocks: ["10.1.2.30"]}')), {}, 'deny'],
  ['ipBlocks with a range', allow(from('{ipBlocks: ["10.1.0.0/16"]}')), {}, 'allow'],
  [
    'ipBlocks whose address has bits behind the mask',
    allow(from('{ipBlocks: ["10.1.255.255/16"]}')),
    {},
    'allow',
  ],
  ['ipBlocks beside the range', allow(from('{ipBlocks: ["10.2.0.0/16"]}')), {}, 'deny'],
  ['ipBlocks 0.0.0.0/0', allow(from('{ipBlocks: ["0.0.0.0/0"]}')), {}, 'allow'],
  [
    'ipBlocks 0.0.0.0/0 of an IPv6 caller',
    allow(from('{ipBlocks: ["0.0.0.0/0"]}')),
    at('fd00::1'),
    'deny',
  ],
  [
    'ipBlocks in IPv6, written otherwise',
    allow(from('{ipBlocks: ["2001:db8::/32"]}')),
    at('2001:0DB8:0:0::1'),
    'allow',
  ],
  ['notIpBlocks', allow(from('{notIpBlocks: ["10.0.0.0/8"]}')), {}, 'deny'],
  [
    'ipBlocks do not look at X-Forwarded-For',
    allow(from('{ipBlocks: ["192.0.2.7"]}')),
    at('10.1.2.3', { 'x-forwarded-for': '192.0.2.7' }),
    'deny',
  ],
  [
    'remoteIpBlocks take the last of X-Forwarded-For',
    allow(from('{remoteIpBlocks: ["192.0.2.0/24"]}')),
    at('10.1.2.3', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' }),
    'allow',
  ],
  [
    'remoteIpBlocks do not take the first',
    allow(from('{remoteIpBlocks: ["198.51.100.1"]}')),
    at('10.1.2.3', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' }),
    'deny',
  ],
  [
    'remoteIpBlocks behind one trusted proxy',
    [
      meshConfig('defaultConfig: {gatewayTopology: {numTrustedProxies: 1}}'),
      allow(from('{remoteIpBlocks: ["198.51.100.1"]}')),
    ],
    at('10.1.2.3', { 'x-forwarded-for': '198.51.100.1, 192.0.2.7' }),
    'allow',
  ],
  ['remoteIpBlocks without the header', allow(from('{remoteIpBlocks: ["10.1.2.3"]}')), {}, 'allow'],
  [
    'remoteIpBlocks where the header is no address',
    allow(from('{remoteIpBlocks: ["10.1.2.3"]}')),
    at('10.1.2.3', { 'x-forwarded-for': 'unknown' }),
    'allow',
  ],
  [
    'notRemoteIpBlocks',
    deny(from('{notRemoteIpBlocks: ["192.0.2.0/24"]}')),
    at('10.1.2.3', { 'x-forwarded-for': '192.0.2.7' }),
    'allow',
  ],
  ['remoteIpBlocks on TCP', allow(from('{remoteIpBlocks: ["10.1.2.3"]}')), tcp, 'allow'],
  ['when source.ip', allow(when('source.ip', 'values: ["10.1.2.0/24"]')), {}, 'allow'],
  [
    'when source.ip, both ways',
    allow(when('source.ip', 'values: ["10.1.2.0/24"], notValues: ["10.1.2.3"]')),
    {},
    'deny',
  ],
  [
    'when remote.ip',
    allow(when('remote.ip', 'values: ["192.0.2.7"]')),
    at('10.1.2.3', { 'x-forwarded-for': '192.0.2.7' }),
    'allow',
  ],
  [
    'when destination.ip',
    allow(when('destination.ip', 'values: ["10.9.0.0/16"]')),
    { destination: { ip: '10.9.1.1' } },
    'allow',
  ],
  [
    'when destination.ip elsewhere',
    allow(when('destination.ip', 'values: ["10.9.0.0/16"]')),
    { destination: { ip: '10.8.1.1' } },
    'deny',
  ],
  ['when destination.port', allow(when('destination.port', 'values: ["80", "8080"]')), {}, 'allow'],
  [
    'when destination.port, notValues',
    allow(when('destination.port', 'notValues: ["8080"]')),
    {},
    'deny',
  ],
  [
    'when connection.sni with a suffix',
    allow(when('connection.sni', 'values: ["*.srv.bar.svc.cluster.local"]')),
    { sni: 'outbound_.80_._.srv.bar.svc.cluster.local' },
    'allow',
  ],
  ['when connection.sni of plaintext', allow(when('connection.sni', 'values: ["*"]')), {}, 'deny'],
  [
    'when connection.sni, notValues of plaintext',
    allow(when('connection.sni', 'notValues: ["a"]')),
    {},
    'allow',
  ],
];

const headers: readonly VerdictRow[] = [
  [
    'header exact',
    allow(when('request.headers[X-Env]', 'values: [prod]')),
    header({ 'x-env': 'prod' }),
    'allow',
  ],
  [
    'header name without case',
    allow(when('request.headers[x-env]', 'values: [prod]')),
    header({ 'X-ENV': 'prod' }),
    'allow',
  ],
  [
    'header value with case',
    allow(when('request.headers[x-env]', 'values: [prod]')),
    header({ 'x-env': 'PROD' }),
    'deny',
  ],
  [
    'header prefix',
    allow(when('request.headers[x-env]', 'values: ["pr*"]')),
    header({ 'x-env': 'prod' }),
    'allow',
  ],
  [
    'header present, though empty',
    allow(when('request.headers[x-env]', 'values: ["*"]')),
    header({ 'x-env': '' }),
    'allow',
  ],
  ['header missing', allow(when('request.headers[x-env]', 'values: ["*"]')), {}, 'deny'],
  [
    'header missing, notValues',
    allow(when('request.headers[x-env]', 'notValues: [test]')),
    {},
    'allow',
  ],
  [
    'header missing, notValues *',
    deny(when('request.headers[x-env]', 'notValues: ["*"]')),
    {},
    'deny',
  ],
  [
    'header twice is joined',
    allow(when('request.headers[x-env]', 'values: [a]')),
    header({ 'x-env': ['a', 'b'] }),
    'deny',
  ],
  [
    'header twice, as joined',
    allow(when('request.headers[x-env]', 'values: ["a,b"]')),
    header({ 'x-env': ['a', 'b'] }),
    'allow',
  ],
  ['pseudo header :method', allow(when('request.headers[:method]', 'values: [GET]')), {}, 'allow'],
  [
    'pseudo header :authority',
    allow(when('request.headers[:authority]', 'values: ["srv.bar.svc.cluster.local"]')),
    {},
    'allow',
  ],
  [
    'pseudo header :path has the query',
    allow(when('request.headers[:path]', 'values: ["/a?b"]')),
    path('/a?b'),
    'allow',
  ],
  ['header host', allow(when('request.headers[Host]', 'values: [a.org]')), host('a.org'), 'allow'],
  [
    'all conditions are wanted',
    allow(
      '{when: [{key: "request.headers[a]", values: [x]}, {key: "request.headers[b]", values: [z]}]}',
    ),
    header({ a: 'x' }),
    'deny',
  ],
  [
    'values of one condition are alternatives',
    allow(when('request.headers[a]', 'values: [x, z]')),
    header({ a: 'z' }),
    'allow',
  ],
  [
    'metadata of Envoy is never there',
    allow(when('experimental.envoy.filters.network.mysql_proxy[db.table]', 'values: ["[a]"]')),
    {},
    'deny',
  ],
  [
    'metadata of Envoy, notValues',
    allow(when('experimental.envoy.filters.network.mysql_proxy[db.table]', 'notValues: ["[a]"]')),
    {},
    'allow',
  ],
];

describe('a verdict on addresses', () => itAnswers(addresses));
describe('a verdict on headers', () => itAnswers(headers));
