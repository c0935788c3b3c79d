import { expect, it } from 'vitest';
import { parseInbound, parseOutbound } from './sidecar-flags.ts';

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
