import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { MeshError } from '../lib/errors.ts';
import { ForeignIssuers, type TrustedIssuer } from './foreign-issuers.ts';

const ISSUER = 'https://ci.example';
const trusted: TrustedIssuer = {
  ...{ issuer: ISSUER, jwksUri: undefined, roots: undefined, audiences: ['hauberk'] },
  identities: [
    { claims: { repository: 'acme/shop' }, namespace: 'shop', serviceAccount: 'deployer' },
    { claims: { ns: '*' }, namespace: '{ns}', serviceAccount: 'free' },
  ],
};
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const keys = { one: newKey(), two: newKey() };
let clock: ManualClock;
let pages: Map<string, string>;
let asked: string[];
let all: readonly TrustedIssuer[];
let issuers: ForeignIssuers;

function publish(...names: (keyof typeof keys)[]): void {
  const jwks = names.map((kid) => ({
    ...{ kid, use: 'sig', alg: 'ES256' },
    ...createPublicKey(keys[kid]).export({ format: 'jwk' }),
  }));
  pages.set(`${ISSUER}/keys`, JSON.stringify({ keys: jwks }));
}

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  all = [trusted];
  const document = { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` };
  pages = new Map([[`${ISSUER}/.well-known/openid-configuration`, JSON.stringify(document)]]);
  publish('one');
  issuers = new ForeignIssuers({
    ...{ trusted: async () => all, clock, rootNamespace: 'istio-system' },
    async get({ url }) {
      asked.push(url.pathname);
      const page = pages.get(url.href);
      if (page === undefined) throw new MeshError('ERR_UNREACHABLE', `${url} is away`);
      return page;
    },
  });
});

function token(
  changes: object = {},
  kid: string | undefined = 'one',
  key = keys.one,
): Promise<string> {
  const exp = clock.now() / 1_000 + 300;
  return new SignJWT({ iss: ISSUER, aud: 'hauberk', repository: 'acme/shop', exp, ...changes })
    .setProtectedHeader({ alg: 'ES256', ...(kid === undefined ? {} : { kid }), x5t: 'allowed' })
    .sign(key);
}

const judge = async (text: string | Promise<string>) => issuers.authenticate(await text);

describe('the token of another issuer', () => {
  it('stands for the account that the rules say, by keys found through discovery', async () => {
    expect(await judge(token())).toMatchObject({ namespace: 'shop', serviceAccount: 'deployer' });
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    await judge(token());
    expect(asked).toHaveLength(2);
  });

  it('is judged by the keys at the URL that the operator gave', async () => {
    all = [{ ...trusted, jwksUri: `${ISSUER}/keys` }];
    await judge(token());
    expect(asked).toEqual(['/keys']);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'an issuer that nobody trusts',
      () => token({ iss: 'https://evil' }),
      /"https:\/\/evil", which nobody trusts/,
    ],
    ['no issuer', () => token({ iss: undefined }), /issuer null/],
    ['another audience', () => token({ aud: 'other' }), /is for "other"/],
    ['a past end', () => token({ exp: 1 }), /expired/],
    [
      'claims that fit no rule',
      () => token({ repository: 'evil/shop' }),
      /no service account by the rules/,
    ],
    [
      'the root namespace of its own choice',
      () => token({ repository: 'x', ns: 'istio-system' }),
      /may not choose the namespace/,
    ],
    ['no kid', () => token({}, ''), /key ID that is no text/],
    ['an unknown kid', () => token({}, 'three'), /not signed by a key of/],
    ['the key of somebody else', () => token({}, 'one', newKey()), /not signed by a key of/],
  ])('is refused with %s', async (_, text, message) => {
    const refused = judge(text());
    await expect(refused).rejects.toMatchObject({ code: 'ERR_JWT' });
    await expect(refused).rejects.toThrow(message);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'another issuer in the discovery document',
      () =>
        pages.set(
          `${ISSUER}/.well-known/openid-configuration`,
          JSON.stringify({ issuer: 'x', jwks_uri: `${ISSUER}/keys` }),
        ),
      /not one of/,
    ],
    [
      'null for a discovery document',
      () => pages.set(`${ISSUER}/.well-known/openid-configuration`, 'null'),
      /not one of/,
    ],
    [
      'keys by plain http',
      () =>
        pages.set(
          `${ISSUER}/.well-known/openid-configuration`,
          JSON.stringify({ issuer: ISSUER, jwks_uri: 'http://ci.example/keys' }),
        ),
      /not an https URL/,
    ],
    ['an error page', () => pages.set(`${ISSUER}/keys`, '<html>'), /not JSON/],
    ['no keys', () => pages.set(`${ISSUER}/keys`, '{}'), /no array "keys"/],
    [
      'too many keys',
      () => pages.set(`${ISSUER}/keys`, JSON.stringify({ keys: Array(101).fill({}) })),
      /101 keys/,
    ],
    ['nothing at all', () => pages.clear(), /not to be had: .* is away/],
  ])('is refused when the issuer serves %s', async (_, spoil, message) => {
    spoil();
    await expect(judge(token())).rejects.toThrow(message);
  });
});

describe('the keys of another issuer', () => {
  it('are asked for again when a token names a new one, but seldom', async () => {
    await judge(token());
    publish('one', 'two');
    const rotated = () => judge(token({}, 'two', keys.two));
    await expect(rotated()).rejects.toThrow(/not signed by a key/);
    await clock.advance(30_000);
    expect(await rotated()).toMatchObject({ serviceAccount: 'deployer' });
    const before = asked.length;
    for (let i = 0; i < 50; i++) await judge(token({}, `made-up-${i}`)).catch(() => undefined);
    expect(asked).toHaveLength(before);
  });

  it('are no good soon after the issuer has withdrawn them', async () => {
    await judge(token());
    publish('two');
    await clock.advance(10 * 60_000);
    await expect(judge(token())).rejects.toThrow(/not signed by a key/);
  });

  it('count for a day while the issuer is away, and no longer', async () => {
    await judge(token());
    pages.clear();
    await clock.advance(24 * 3_600_000 - 1);
    await expect(judge(token())).resolves.toBeDefined();
    await clock.advance(1);
    await expect(judge(token())).rejects.toThrow(/not to be had/);
  });

  it('are fetched once for many tokens that come together', async () => {
    const text = await token();
    await Promise.all(Array.from({ length: 20 }, () => judge(text)));
    expect(asked).toHaveLength(2);
  });

  it('are forgotten with the issuer', async () => {
    await judge(token());
    all = [];
    await expect(judge(token())).rejects.toThrow(/nobody trusts/);
    all = [{ ...trusted, issuer: 'https://other.example' }];
    await expect(judge(token({ iss: 'https://other.example' }))).rejects.toThrow(/away/);
    all = [trusted];
    await judge(token());
    expect(asked.filter((path) => path === '/keys')).toHaveLength(2);
  });
});
