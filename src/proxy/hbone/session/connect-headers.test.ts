import { describe, expect, it } from 'vitest';
import type { HeaderField } from '../hpack/static-table.ts';
import { readAnswer, readRequest } from './connect-headers.ts';

const connect: readonly HeaderField[] = [
  [':method', 'CONNECT'],
  [':authority', '10.0.0.1:80'],
];
const get: readonly HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
];

describe('readRequest', () => {
  it('reads CONNECT, with fields that mean nothing here', () => {
    expect(readRequest([...connect, ['x-request-id', '1'], ['te', 'trailers']])).toEqual({
      ...{ kind: 'connect', authority: '10.0.0.1:80' },
    });
  });

  it('knows other methods', () => {
    expect(readRequest([...get, [':authority', 'a']])).toEqual({ kind: 'other-method' });
  });

  it.each<[string, readonly HeaderField[]]>([
    ['no method', [[':authority', 'a:1']]],
    ['CONNECT without authority', [[':method', 'CONNECT']]],
    ['CONNECT with a path', [...connect, [':path', '/']]],
    ['CONNECT with a scheme', [...connect, [':scheme', 'https']]],
    ['extended CONNECT', [...connect, [':protocol', 'websocket']]],
    ['GET without a path', get.slice(0, 2)],
    ['GET with an empty path', [...get.slice(0, 2), [':path', '']]],
    ['a pseudo-header twice', [...connect, [':authority', 'b:2']]],
    ['a pseudo-header after a field', [connect[0] ?? ['', ''], ['x', '1'], [':authority', 'a:1']]],
    ['a pseudo-header of answers', [...connect, [':status', '200']]],
    ['a capital letter in a name', [...connect, ['X-Name', '1']]],
    ['an empty name', [...connect, ['', '1']]],
    ['a field of HTTP/1', [...connect, ['connection', 'close']]],
    ['te that is not trailers', [...connect, ['te', 'gzip']]],
    ['a line break in a value', [...connect, ['x', 'a\r\nb: c']]],
  ])('finds %s malformed', (_, fields) => {
    expect(readRequest(fields).kind).toBe('malformed');
  });
});

describe('readAnswer', () => {
  it.each<[readonly HeaderField[], ReturnType<typeof readAnswer>]>([
    [[[':status', '200']], { kind: 'final', status: 200, deniedBy: undefined }],
    [
      [
        [':status', '403'],
        ['x-denied', 'policy a/b'],
      ],
      { kind: 'final', status: 403, deniedBy: 'policy a/b' },
    ],
    [[[':status', '103']], { kind: 'interim' }],
  ])('reads %j', (fields, expected) => {
    expect(readAnswer(fields, 'x-denied')).toEqual(expected);
  });

  it.each<[readonly HeaderField[]]>([
    [[]],
    [[[':status', 'ok']]],
    [[[':status', '099']]],
    [[[':method', 'GET']]],
  ])('finds %j malformed', (fields) => {
    expect(readAnswer(fields, 'x-denied').kind).toBe('malformed');
  });
});
