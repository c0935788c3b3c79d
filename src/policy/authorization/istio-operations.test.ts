import { describe } from 'vitest';
import {
  type Asked,
  allow,
  deny,
  itAnswers,
  meshConfig,
  to,
  type VerdictRow,
} from '../../../test/kit/verdict-rig.ts';

// Expected by hand from Istio's semantics, never taken from what the engine said.

const path = (path: string): Asked => ({ http: { path } });
const host = (host: string): Asked => ({ http: { host } });

const operations: readonly VerdictRow[] = [
  ['ports', allow(to('{ports: ["8080"]}')), {}, 'allow'],
  ['ports of another port', allow(to('{ports: ["80"]}')), {}, 'deny'],
  ['notPorts', allow(to('{notPorts: ["8080"]}')), {}, 'deny'],
  ['methods with case', allow(to('{methods: [get]}')), {}, 'deny'],
  ['methods prefix', allow(to('{methods: ["G*"]}')), {}, 'allow'],
  ['methods suffix', allow(to('{methods: ["*T"]}')), { http: { method: 'POST' } }, 'allow'],
  ['notMethods', deny(to('{notMethods: [GET, HEAD]}')), { http: { method: 'DELETE' } }, 'deny'],
  ['hosts without case', allow(to('{hosts: ["SRV.Bar.svc.cluster.local"]}')), {}, 'allow'],
  [
    'hosts without the port',
    allow(to('{hosts: ["example.com"]}')),
    host('example.com:8080'),
    'deny',
  ],
  [
    'hosts with any port',
    allow(to('{hosts: ["example.com:*"]}')),
    host('Example.COM:8080'),
    'allow',
  ],
  ['hosts suffix', allow(to('{hosts: ["*.Example.com"]}')), host('a.example.COM'), 'allow'],
  ['notHosts', deny(to('{notHosts: ["example.com"]}')), host('EXAMPLE.com'), 'allow'],
  ['paths exact', allow(to('{paths: ["/a"]}')), path('/a'), 'allow'],
  ['paths exact with a query', allow(to('{paths: ["/a"]}')), path('/a?x=/b'), 'allow'],
  ['paths exact with a fragment', allow(to('{paths: ["/a"]}')), path('/a#b'), 'allow'],
  ['paths with case', allow(to('{paths: ["/A"]}')), path('/a'), 'deny'],
  ['paths exact with a slash behind', allow(to('{paths: ["/a"]}')), path('/a/'), 'deny'],
  ['paths prefix', allow(to('{paths: ["/a*"]}')), path('/ab/c'), 'allow'],
  ['paths suffix', allow(to('{paths: ["*/info"]}')), path('/a/info'), 'allow'],
  [
    'paths suffix does not see the query',
    allow(to('{paths: ["*/info"]}')),
    path('/admin?/info'),
    'deny',
  ],
  ['notPaths', deny(to('{notPaths: ["/healthz"]}')), path('/healthz'), 'allow'],
  [
    'paths are normalized: dots',
    deny(to('{paths: ["/admin*"]}')),
    path('/public/../admin'),
    'deny',
  ],
  [
    'paths are normalized: escaped dots',
    deny(to('{paths: ["/admin*"]}')),
    path('/public/%2e%2E/admin'),
    'deny',
  ],
  [
    'paths are normalized: escaped letters',
    deny(to('{paths: ["/admin"]}')),
    path('/%61dmin'),
    'deny',
  ],
  [
    'paths are normalized: backslashes',
    deny(to('{paths: ["/admin/x"]}')),
    path('/admin\\x'),
    'deny',
  ],
  ['BASE does not merge slashes', deny(to('{paths: ["/admin/x"]}')), path('/admin//x'), 'allow'],
  [
    'MERGE_SLASHES does',
    [
      meshConfig('pathNormalization: {normalization: MERGE_SLASHES}'),
      deny(to('{paths: ["/admin/x"]}')),
    ],
    path('/admin//x'),
    'deny',
  ],
  ['BASE does not decode slashes', deny(to('{paths: ["/admin/x"]}')), path('/admin%2fx'), 'allow'],
  [
    'DECODE_AND_MERGE_SLASHES does, and backslashes',
    [
      meshConfig('pathNormalization: {normalization: DECODE_AND_MERGE_SLASHES}'),
      deny(to('{paths: ["/admin/x"]}')),
    ],
    path('/admin%2F%5cx'),
    'deny',
  ],
  [
    'NONE leaves all but the fragment',
    [meshConfig('pathNormalization: {normalization: NONE}'), deny(to('{paths: ["/admin"]}'))],
    path('/x/../admin'),
    'allow',
  ],
  ['nothing is decoded twice', deny(to('{paths: ["/admin"]}')), path('/%2561dmin'), 'allow'],
  ['{*} is one segment', allow(to('{paths: ["/a/{*}/c"]}')), path('/a/b/c'), 'allow'],
  ['{*} is not two', allow(to('{paths: ["/a/{*}/c"]}')), path('/a/b/b/c'), 'deny'],
  ['{*} is not nothing', allow(to('{paths: ["/a/{*}"]}')), path('/a/'), 'deny'],
  ['{**} is nothing', allow(to('{paths: ["/a/{**}"]}')), path('/a/'), 'allow'],
  ['{**} is many', allow(to('{paths: ["/a/{**}"]}')), path('/a/b/c'), 'allow'],
  ['{**} needs its slash', allow(to('{paths: ["/a/{**}"]}')), path('/a'), 'deny'],
  [
    '{**} with something behind',
    allow(to('{paths: ["/store/{**}/cart"]}')),
    path('/store//cart'),
    'allow',
  ],
  [
    '{**} with something behind, too short',
    allow(to('{paths: ["/store/{**}/cart"]}')),
    path('/store/cart'),
    'deny',
  ],
  ['{*} and {**}', allow(to('{paths: ["/{*}/x/{**}"]}')), path('/a/x/b/c?d'), 'allow'],
  ['a template among others', allow(to('{paths: ["/y", "/a/{*}"]}')), path('/y'), 'allow'],
  ['notPaths with a template', deny(to('{notPaths: ["/a/{*}"]}')), path('/a/b'), 'allow'],
  [
    'dots of regular expressions are literal in templates',
    allow(to('{paths: ["/a.b/{*}"]}')),
    path('/axb/c'),
    'deny',
  ],
  [
    'fields of one operation are all wanted',
    allow(to('{methods: [GET], paths: ["/b"]}')),
    path('/a'),
    'deny',
  ],
  [
    'operations are alternatives',
    allow('{to: [{operation: {methods: [PUT]}}, {operation: {paths: ["/a"]}}]}'),
    path('/a'),
    'allow',
  ],
];

describe('a verdict on operations', () => itAnswers(operations));
