import { describe, expect, it } from 'vitest';
import {
  allow,
  connection,
  decideRequest,
  fromSource,
  type PolicyCondition,
  type PolicyOperation,
  type PolicyRule,
  plaintext,
  request,
  settings,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { RequestCall } from './call.ts';

/** Whether one rule, as the only one of an ALLOW policy, matches. */
const matches = (rule: PolicyRule, call: RequestCall, numTrustedProxies = 0): boolean =>
  decideRequest([allow([rule])], call, { settings: { ...settings, numTrustedProxies } }).verdict ===
  'allow';

describe('operation fields', () => {
  const negations: Readonly<Record<string, keyof PolicyOperation>> = {
    methods: 'notMethods',
    hosts: 'notHosts',
    paths: 'notPaths',
    ports: 'notPorts',
  };

  // each row is tried as it is and negated, which must give the opposite
  it.each<[keyof PolicyOperation, string[], Parameters<typeof request>[0], boolean]>([
    ['methods', ['GET'], {}, true],
    ['methods', ['POST', 'GET'], {}, true],
    ['methods', ['POST'], {}, false],
    ['methods', ['get'], {}, false],
    ['methods', ['*'], {}, true],
    ['methods', ['G*'], {}, true],
    ['methods', ['*T'], {}, true],
    ['methods', ['*E*'], {}, false],
    ['hosts', ['reviews.shop'], {}, true],
    ['hosts', ['Reviews.SHOP'], {}, true],
    ['hosts', ['reviews.shop'], { host: 'REVIEWS.shop' }, true],
    ['hosts', ['reviews.shop'], { host: 'reviews.shop:8080' }, false],
    ['hosts', ['reviews.shop:*'], { host: 'reviews.shop:8080' }, true],
    ['hosts', ['*.shop'], {}, true],
    ['hosts', ['*.SHOP'], {}, true],
    ['hosts', ['reviews.*'], {}, true],
    ['hosts', ['*'], {}, true],
    ['hosts', ['*'], { host: '' }, false],
    ['hosts', ['other.shop'], {}, false],
    ['paths', ['/api/products'], {}, true],
    ['paths', ['/API/products'], {}, false],
    ['paths', ['/api/products'], { query: 'a=b' }, true],
    ['paths', ['/api/*'], {}, true],
    ['paths', ['/api/*'], { path: '/api' }, false],
    ['paths', ['*/products'], {}, true],
    ['paths', ['*'], {}, true],
    ['paths', ['/api/*/x'], { path: '/api/1/x' }, false],
    ['paths', ['/api/*/x'], { path: '/api/*/x' }, true],
    ['paths', ['/api/{*}'], {}, true],
    ['paths', ['/api/{*}'], { path: '/api/a/b' }, false],
    ['paths', ['/{**}/products'], { path: '/products' }, false],
    ['paths', ['/{**}/products'], { path: '/a/b/products' }, true],
    ['paths', ['/x', '/api/{**}'], {}, true],
    ['ports', ['8080'], {}, true],
    ['ports', ['9090'], {}, false],
  ])('%s %j of %j: %s', (field, values, http, expected) => {
    const call = request(http);
    expect(matches(toOperation({ [field]: values }), call)).toBe(expected);
    expect(matches(toOperation({ [negations[field] ?? '']: values }), call)).toBe(!expected);
  });
});

describe('conditions on headers', () => {
  const condition = (key: string, values: string[]): PolicyCondition => ({ key, values });

  it.each<[string, string[], Parameters<typeof request>[0], boolean]>([
    ['request.headers[x-user]', ['ann'], { headers: { 'x-user': 'ann' } }, true],
    ['request.headers[X-User]', ['ann'], { headers: { 'x-user': 'ann' } }, true],
    ['request.headers[x-user]', ['Ann'], { headers: { 'x-user': 'ann' } }, false],
    ['request.headers[x-user]', ['a*'], { headers: { 'x-user': 'ann' } }, true],
    ['request.headers[x-user]', ['*n'], { headers: { 'x-user': 'ann' } }, true],
    ['request.headers[x-user]', ['ann'], { headers: { 'x-user': 'ann,bob' } }, false],
    ['request.headers[x-user]', ['ann,bob'], { headers: { 'x-user': 'ann,bob' } }, true],
    ['request.headers[x-user]', ['*'], { headers: { 'x-user': 'ann' } }, true],
    ['request.headers[x-user]', ['*'], { headers: { 'x-user': '' } }, true],
    ['request.headers[x-user]', ['*'], {}, false],
    ['request.headers[x-user]', ['ann'], {}, false],
    ['request.headers[:method]', ['GET'], {}, true],
    ['request.headers[:path]', ['/api/products?a=b'], { query: 'a=b' }, true],
    ['request.headers[:path]', ['/api/products'], { query: 'a=b' }, false],
    ['request.headers[:authority]', ['reviews.shop'], {}, true],
    ['request.headers[host]', ['reviews.shop'], {}, true],
    ['request.headers[:scheme]', ['https'], { scheme: 'https' }, true],
  ])('%s %j of %j: %s', (key, values, http, expected) => {
    const call = request(http);
    expect(matches(when(condition(key, values)), call)).toBe(expected);
    expect(matches(when({ key, notValues: values }), call)).toBe(!expected);
  });

  it('with values and notValues needs both', () => {
    const rule = when({ key: 'request.headers[x]', values: ['a*'], notValues: ['ab'] });
    expect(matches(rule, request({ headers: { x: 'aa' } }))).toBe(true);
    expect(matches(rule, request({ headers: { x: 'ab' } }))).toBe(false);
    expect(matches(rule, request())).toBe(false);
  });

  it('drops an ALLOW rule whose key has no name', () => {
    expect(matches(when({ key: 'request.headers', notValues: ['a'] }), request())).toBe(false);
    expect(matches(when({ key: 'request.headers[]', notValues: ['a'] }), request())).toBe(false);
  });
});

describe('the client of a request', () => {
  const from = { remoteIpBlocks: ['192.0.2.0/24'] };
  const behind = (header: string): RequestCall =>
    request({ headers: { 'x-forwarded-for': header } });

  it('is the last of X-Forwarded-For, or the one before trusted proxies', () => {
    expect(matches(fromSource(from), behind('192.0.2.7'))).toBe(true);
    expect(matches(fromSource(from), behind('192.0.2.7, 10.9.9.9'))).toBe(false);
    expect(matches(fromSource(from), behind('192.0.2.7, 10.9.9.9'), 1)).toBe(true);
    expect(matches(fromSource({ notRemoteIpBlocks: ['192.0.2.0/24'] }), behind('192.0.2.7'))).toBe(
      false,
    );
    expect(matches(when({ key: 'remote.ip', values: ['192.0.2.7'] }), behind('192.0.2.7'))).toBe(
      true,
    );
  });

  it('is not the source of the connection', () => {
    expect(matches(fromSource({ ipBlocks: ['10.0.1.7'] }), behind('192.0.2.7'))).toBe(true);
    expect(matches(fromSource({ ipBlocks: ['192.0.2.7'] }), behind('192.0.2.7'))).toBe(false);
  });

  it('is told by PROXY protocol where the request does not', () => {
    const call = request({}, { connection: connection({ remoteIp: '192.0.2.7' }) });
    expect(matches(fromSource(from), call)).toBe(true);
  });
});

describe('fields of the connection', () => {
  it('mean the same for a request', () => {
    const rule = fromSource({ principals: ['cluster.local/ns/shop/sa/products'] });
    expect(matches(rule, request())).toBe(true);
    expect(matches(rule, request({}, { connection: plaintext }))).toBe(false);
  });

  it('drop an ALLOW rule where a value cannot be read', () => {
    expect(matches(fromSource({ ipBlocks: ['10.0.0.0/40', '10.0.0.0/8'] }), request())).toBe(false);
  });
});
