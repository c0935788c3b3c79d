import { describe, expect, it } from 'vitest';
import {
  allow,
  authorizationPolicy,
  connection,
  deny,
  fromSource,
  type PolicyRule,
  request,
  reviews,
  settings,
  toOperation,
  when,
} from '../../../test/kit/policies.ts';
import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import { parseExtensionProvider } from '../extension-provider.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { compileAuthorization } from './compile-authorization.ts';

const provider = (name: string, protocol: 'http' | 'grpc' = 'grpc') => ({
  name,
  [protocol === 'http' ? 'envoyExtAuthzHttp' : 'envoyExtAuthzGrpc']: {
    service: 'opa.shop',
    port: 9191,
    timeout: '5s',
    failOpen: true,
    statusOnError: '503',
  },
});
const compile = (policies: readonly AuthorizationPolicy[], more: Partial<MeshSettings> = {}) =>
  compileAuthorization(policies, reviews, { ...settings, ...more });

describe('whether a port needs HTTP to be read', () => {
  it.each<[string, PolicyRule, boolean]>([
    ['nothing', {}, false],
    ['a caller', fromSource({ principals: ['*'] }), false],
    ['a port', toOperation({ ports: ['8080'] }), false],
    ['methods', toOperation({ methods: ['GET'] }), true],
    ['methods of this port', toOperation({ methods: ['GET'], ports: ['8080'] }), true],
    ['methods of another port', toOperation({ methods: ['GET'], ports: ['9090'] }), false],
    ['methods of all ports but this', toOperation({ methods: ['GET'], notPorts: ['8080'] }), false],
    ['a token', fromSource({ requestPrincipals: ['*'] }), true],
    ['a header', when({ key: 'request.headers[x]', values: ['a'] }), true],
    ['the client behind proxies', fromSource({ remoteIpBlocks: ['10.0.0.0/8'] }), true],
    ['an unknown attribute', when({ key: 'unknown', values: ['a'] }), false],
  ])('by a rule on %s', (_, rule, expected) => {
    expect(compile([allow([rule])]).needsHttp(8080)).toBe(expected);
    expect(compile([deny([rule])]).needsHttp(8080)).toBe(expected);
  });

  it('is so where a provider is to be asked', () => {
    const custom = authorizationPolicy({
      action: 'CUSTOM',
      provider: { name: 'opa' },
      rules: [{}],
    });
    expect(compile([custom]).needsHttp(8080)).toBe(true);
    expect(compile([]).needsHttp(8080)).toBe(false);
  });
});

describe('one rule for requests and connections', () => {
  const post = toOperation({ methods: ['POST'], ports: ['8080'] });

  it('widens a DENY rule for connections only', () => {
    const authorization = compile([deny([post])]);
    expect(authorization.authorizeConnection(connection()).verdict).toBe('deny');
    expect(authorization.authorizeRequest(request()).verdict).toBe('allow');
    expect(authorization.authorizeRequest(request({ method: 'POST' })).verdict).toBe('deny');
  });

  it('drops an ALLOW rule for connections only', () => {
    const authorization = compile([allow([post])]);
    expect(authorization.authorizeConnection(connection()).verdict).toBe('deny');
    expect(authorization.authorizeRequest(request({ method: 'POST' })).verdict).toBe('allow');
  });

  it('explains a refused request by the nearest rule', () => {
    const authorization = compile([
      allow([
        { ...fromSource({ namespaces: ['bank'] }), ...toOperation({ methods: ['PUT'] }) },
        toOperation({ methods: ['POST'] }),
      ]),
    ]);
    const call = request();
    expect(authorization.explain(call, authorization.authorizeRequest(call)).text).toBe(
      'denied, no ALLOW rule matches: AuthorizationPolicy shop/policy rule[1]: methods ["POST"] do not match "GET"; AuthorizationPolicy shop/policy rule[0]: namespaces ["bank"] do not match "cluster.local/ns/shop/sa/products"',
    );
  });
});

describe('CUSTOM policies', () => {
  const custom = (name: string, rules: readonly PolicyRule[] = [{}]): AuthorizationPolicy =>
    authorizationPolicy({ action: 'CUSTOM', provider: { name }, rules }, { name: `ask-${name}` });
  const denyAll = deny([{}]);
  const opa = provider('opa');

  it('ask first, and the other policies when they are answered', () => {
    const authorization = compile([custom('opa'), denyAll], { extensionProviders: [opa] });
    const by = { namespace: 'shop', name: 'ask-opa', rule: 0 };
    const asked = parseExtensionProvider(opa);
    expect(asked).toMatchObject({
      name: 'opa',
      protocol: 'grpc',
      timeoutMs: 5_000,
      failOpen: true,
    });
    const ask = { verdict: 'ask', provider: asked, by, audited: [], shadow: [] };
    expect(authorization.authorizeRequest(request())).toEqual(ask);
    expect(authorization.custom(request())).toEqual(ask);
    expect(authorization.authorizeConnection(connection())).toEqual(ask);
    expect(authorization.authorizeRequest(request(), 'answered')).toMatchObject({
      verdict: 'deny',
      by: { name: 'policy' },
    });
    expect(authorization.explain(request(), authorization.authorizeRequest(request())).text).toBe(
      'AuthorizationPolicy shop/ask-opa rule[0]: provider "opa" is asked, the rule matches every HTTP request',
    );
  });

  it('ask about what their rules match only', () => {
    const authorization = compile([custom('opa', [toOperation({ paths: ['/admin'] })])], {
      extensionProviders: [opa],
    });
    expect(authorization.custom(request())).toBeUndefined();
    expect(authorization.custom(request({ path: '/admin' }))?.verdict).toBe('ask');
    expect(authorization.authorizeRequest(request()).verdict).toBe('allow');
  });

  it('deny what they match where the provider is not defined, or there are two', () => {
    const undefinedOne = compile([custom('opa', [toOperation({ paths: ['/admin'] })])]);
    expect(undefinedOne.authorizeRequest(request()).verdict).toBe('allow');
    expect(undefinedOne.authorizeRequest(request({ path: '/admin' }))).toMatchObject({
      verdict: 'deny',
      action: 'CUSTOM',
    });
    const logsOnly = compile([custom('opa')], {
      extensionProviders: [{ name: 'opa', envoyFileAccessLog: {} }],
    });
    expect(logsOnly.authorizeRequest(request()).verdict).toBe('deny');
    const two = compile([custom('opa'), custom('other')], {
      extensionProviders: [opa, provider('other')],
    });
    const decision = two.authorizeRequest(request());
    expect(decision).toMatchObject({ verdict: 'deny', action: 'CUSTOM' });
    expect(two.explain(request(), decision).text).toContain(
      'name several providers, ["opa", "other"]',
    );
  });

  it('are ignored on TCP where the provider speaks HTTP', () => {
    const authorization = compile([custom('opa')], {
      extensionProviders: [provider('opa', 'http')],
    });
    expect(authorization.authorizeConnection(connection()).verdict).toBe('allow');
    expect(authorization.authorizeRequest(request()).verdict).toBe('ask');
  });
});
