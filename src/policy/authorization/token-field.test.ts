import { describe, expect, it } from 'vitest';
import {
  allow,
  decideRequest,
  fromSource,
  type PolicyRule,
  request,
  when,
} from '../../../test/kit/policies.ts';
import type { TokenFacts } from './call.ts';

const matches = (rule: PolicyRule, token: Partial<TokenFacts> | undefined): boolean =>
  decideRequest([allow([rule])], request({}, token === undefined ? {} : { token })).verdict ===
  'allow';

const ann = { issuer: 'https://idp.example/realm', subject: 'ann' };

describe('request principals', () => {
  it.each<[string, Partial<TokenFacts> | undefined, boolean]>([
    ['*', ann, true],
    ['*', undefined, false],
    ['*', { issuer: 'i' }, false],
    ['*', { subject: 's' }, false],
    ['https://idp.example/realm/ann', ann, true],
    ['https://idp.example/realm/bob', ann, false],
    ['https://idp.example/realm/*', ann, true],
    ['https://idp.example/realm/*', { issuer: ann.issuer }, false],
    ['https://idp.example/*', ann, false],
    ['https://idp.example/realm/an*', ann, true],
    ['https://idp.example/realm/bo*', ann, false],
    ['https://idp*', ann, false],
    ['idp*', { issuer: 'idp.example' }, true],
    ['*/ann', ann, true],
    ['*/bob', ann, false],
    ['*/realm/ann', ann, true],
    ['*/other/ann', ann, false],
    ['*nn', ann, true],
    ['*nn', { subject: 'ann' }, true],
    ['idp', { issuer: 'idp' }, true],
    ['idp', { issuer: 'idp', subject: 'ann' }, false],
  ])('%s of %j: %s', (value, token, expected) => {
    expect(matches(fromSource({ requestPrincipals: [value] }), token)).toBe(expected);
    expect(matches(fromSource({ notRequestPrincipals: [value] }), token)).toBe(!expected);
    expect(matches(when({ key: 'request.auth.principal', values: [value] }), token)).toBe(expected);
  });

  it('are ORed', () => {
    expect(matches(fromSource({ requestPrincipals: ['x/y', '*/ann'] }), ann)).toBe(true);
  });
});

describe('other facts of the token', () => {
  it.each<[string, string[], Partial<TokenFacts> | undefined, boolean]>([
    ['request.auth.audiences', ['a'], { audiences: ['b', 'a'] }, true],
    ['request.auth.audiences', ['c'], { audiences: ['b', 'a'] }, false],
    ['request.auth.audiences', ['a*'], { audiences: ['b', 'ab'] }, true],
    ['request.auth.audiences', ['*'], { audiences: [] }, false],
    ['request.auth.audiences', ['*'], undefined, false],
    ['request.auth.presenter', ['app'], { presenter: 'app' }, true],
    ['request.auth.presenter', ['*'], { presenter: 'app' }, true],
    ['request.auth.presenter', ['*'], {}, false],
    ['request.auth.claims[group]', ['a'], { claims: { group: 'a' } }, true],
    ['request.auth.claims[group]', ['a'], { claims: { group: ['b', 'a'] } }, true],
    ['request.auth.claims[group]', ['*c'], { claims: { group: ['b', 'abc'] } }, true],
    ['request.auth.claims[group]', ['a'], { claims: { group: ['b'] } }, false],
    ['request.auth.claims[group]', ['*'], { claims: {} }, false],
    ['request.auth.claims[group]', ['*'], undefined, false],
    ['request.auth.claims[age]', ['7'], { claims: { age: 7 } }, false],
    ['request.auth.claims[admin]', ['true'], { claims: { admin: true } }, false],
    ['request.auth.claims[a][b]', ['x'], { claims: { a: { b: 'x' } } }, true],
    ['request.auth.claims[a][b]', ['x'], { claims: { a: { b: ['y', 'x'] } } }, true],
    ['request.auth.claims[a][b]', ['x'], { claims: { a: 'x' } }, false],
    ['request.auth.claims[a][b]', ['x'], { claims: { 'a][b': 'x' } }, false],
    ['request.auth.claims[[x]]', ['v'], { claims: { '[x]': 'v' } }, true],
    ['request.auth.claims[toString]', ['*'], { claims: {} }, false],
    ['request.auth.claims[__proto__][x]', ['*'], { claims: {} }, false],
  ])('%s %j of %j: %s', (key, values, token, expected) => {
    expect(matches(when({ key, values }), token)).toBe(expected);
    expect(matches(when({ key, notValues: values }), token)).toBe(!expected);
  });
});
