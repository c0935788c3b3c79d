import { expect, it } from 'vitest';
import {
  parseConcurrency,
  parseInbound,
  parseOutbound,
  parseUid,
  spiffeSocketOf,
} from './sidecar-flags.ts';

const app = { host: '127.0.0.1', port: 9080 };

it.each([
  [
    '0.0.0.0:8080=127.0.0.1:9080',
    { name: 'port-8080', listen: { host: '0.0.0.0', port: 8080 }, app },
  ],
  [
    'http:0.0.0.0:8080=127.0.0.1:9080',
    { name: 'http', listen: { host: '0.0.0.0', port: 8080 }, app },
  ],
  ['[::]:8080=127.0.0.1:9080', { name: 'port-8080', listen: { host: '::', port: 8080 }, app }],
  ['http:[::]:8080=127.0.0.1:9080', { name: 'http', listen: { host: '::', port: 8080 }, app }],
])('reads --inbound %s', (text, flag) => expect(parseInbound(text)).toEqual(flag));

it('reads --outbound', () => {
  expect(parseOutbound('127.0.0.1:7001=products.shop.svc.cluster.local:8080')).toEqual({
    listen: { host: '127.0.0.1', port: 7001 },
    service: { host: 'products.shop.svc.cluster.local', port: 8080 },
  });
});

it.each([
  '',
  '8080',
  '0.0.0.0:8080',
  '0.0.0.0:8080=',
  'a=b=c',
  '0.0.0.0:99999=127.0.0.1:1',
  'x y:1=127.0.0.1:1',
])('refuses %j, quoting it', (text) => {
  expect(() => parseInbound(text)).toThrow(/write/);
  expect(() => parseOutbound(text)).toThrow(/write/);
});

it.each(['', '-1', 'root', '1.5', '0x10', '4294967295'])('refuses --allow-uid %j', (text) => {
  expect(() => parseUid(text)).toThrow(/is not the number of a user/);
});

it.each(['', '-1', 'all', '1.5', '0x10', '257', '1000'])('refuses --concurrency %j', (text) => {
  expect(() => parseConcurrency(text)).toThrow(/is not a number of threads/);
});

it('takes a number of threads, and 0 for one of each core', () => {
  expect(['0', '1', '256'].map(parseConcurrency)).toEqual([0, 1, 256]);
});

it('puts the SPIFFE socket into the state directory, for the own user', () => {
  expect(spiffeSocketOf({ allowUid: [] }, '/state', 7)).toEqual({
    ...{ path: '/state/spiffe.sock', allowedUids: [7], ownUid: 7 },
    serveRegistered: false,
  });
});

it('wants a path for the SPIFFE socket that the allowed users can reach', () => {
  const allowUid = [parseUid('1000')];
  expect(() => spiffeSocketOf({ allowUid }, '/state', 7)).toThrow(/uid 1000 cannot enter/);
  const spiffeSocket = '/run/hauberk/web.sock';
  expect(spiffeSocketOf({ allowUid, spiffeSocket }, '/state', 7)).toEqual({
    ...{ path: spiffeSocket, allowedUids: [1000], ownUid: 7 },
    serveRegistered: false,
  });
  const registered = { allowUid: [], serveRegistered: true };
  expect(() => spiffeSocketOf(registered, '/state', 7)).toThrow(/registered workload/);
  expect(spiffeSocketOf({ ...registered, spiffeSocket }, '/state', 7)).toMatchObject({
    serveRegistered: true,
  });
});
