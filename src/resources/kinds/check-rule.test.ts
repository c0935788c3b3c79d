import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string): string {
  return `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}, spec: ${spec}}`;
}

function withOperation(operation: string): string {
  return withSpec(`{rules: [{to: [{operation: ${operation}}]}]}`);
}

it.each([
  '{hosts: ["*.example.com"], notHosts: [a]}',
  '{ports: ["0", "080", "65535"], notPorts: ["1"]}',
  '{methods: [GET], notMethods: ["*"]}',
  '{paths: ["/", "/a*", "*/a", "*", "/a*b"], notPaths: ["/admin"]}',
  '{paths: ["/{*}", "/a/{*}/b/{**}", "/{**}/c.json", "/{*}/{*}"]}',
])('takes %s', (operation) => {
  expect(problemsOf(withOperation(operation))).toEqual([]);
});

const at = 'spec.rules[0].to[0].operation';
it.each([
  ['{}', `${at}: must not be empty; leave out "to" to mean every operation`],
  ['{ports: [], paths: []}', `${at}: must not be empty; leave out "to" to mean every operation`],
  ...['hosts', 'notHosts', 'ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths'].map(
    (field) => [`{${field}: [""]}`, `${at}.${field}[0]: must not be empty`],
  ),
  ...['65536', '-1', '80-90', 'http', '1e3', ' 80'].map((port) => [
    `{ports: ["${port}"]}`,
    `${at}.ports[0]: bad port "${port}"; a port is a number up to 65535, in quotes`,
  ]),
  ['{ports: [8080]}', `${at}.ports[0]: must be a string, not 8080; put it in quotes`],
  [
    '{notPorts: ["99999999999"]}',
    `${at}.notPorts[0]: bad port "99999999999"; a port is a number up to 65535, in quotes`,
  ],
  ['{method: [GET]}', `${at}.method: unknown field "method"; did you mean "methods"?`],
])('refuses %s', (operation, problem) => {
  expect(problemsOf(withOperation(operation))).toEqual([problem]);
});

it.each([
  ['/{**}/{*}', 'has an operator after {**}, which must be the last'],
  ['/{**}/a/{**}', 'has an operator after {**}, which must be the last'],
  [
    '/a{*}',
    'is not a path template; {*} and {**} must be whole segments, and braces stand nowhere else',
  ],
  [
    '/{*}/{id}',
    'is not a path template; {*} and {**} must be whole segments, and braces stand nowhere else',
  ],
  [
    '/{*}/{a=*}',
    'is not a path template; {*} and {**} must be whole segments, and braces stand nowhere else',
  ],
  [
    '/{*}/{}',
    'is not a path template; {*} and {**} must be whole segments, and braces stand nowhere else',
  ],
  ['/{*}/*', 'has a "*" outside of braces; a template has {*} and {**} only'],
  ['/{*}/**', 'has a "*" outside of braces; a template has {*} and {**} only'],
  ['/{*}/a*', 'has a "*" outside of braces; a template has {*} and {**} only'],
  ['/{*}/a b', 'has a character that a path template may not have'],
  ['/{*}/é', 'has a character that a path template may not have'],
  ['/{id}', 'has braces and is no template; only {*} and {**} may stand in them'],
  ['/a}', 'has braces and is no template; only {*} and {**} may stand in them'],
])('refuses the path %s', (path, rule) => {
  expect(problemsOf(withOperation(`{notPaths: ["${path}"]}`))).toEqual([
    `${at}.notPaths[0]: "${path}" ${rule}`,
  ]);
});

it.each([
  [
    '{rules: [{to: []}]}',
    'spec.rules[0].to: must not be empty; leave it out to mean every operation',
  ],
  ['{rules: [{to: [{}]}]}', 'spec.rules[0].to[0].operation: is required'],
  [
    '{rules: [{to: [null]}]}',
    'spec.rules[0].to[0]: must be an object, not null; leave the field out if nothing is meant',
  ],
])('refuses %s', (spec, problem) => {
  expect(problemsOf(withSpec(spec))).toEqual([problem]);
});
