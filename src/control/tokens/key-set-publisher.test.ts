import { createServer } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { startApp } from '../../../test/kit/proxy-pair.ts';
import { testIssuer } from '../../../test/kit/tokens.ts';
import { issuerKeys } from '../../app/control-plane/issuer-keys.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import { type JsonWebKeySet, jsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import type {
  JwtRule,
  RequestAuthentication,
} from '../../resources/kinds/request-authentication.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { blockedAddresses } from './blocked-addresses.ts';
import { publicKeysOf } from './public-keys.ts';

const KIND = qualifiedKind(jsonWebKeySet);

function policyOf(jwtRules: readonly JwtRule[]): RequestAuthentication {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'jwt', namespace: 'shop' },
    spec: { jwtRules },
  };
}

async function heldIn(store: Store): Promise<readonly JsonWebKeySet[]> {
  return (await store.list(KIND)).items as readonly JsonWebKeySet[];
}

/** Runs a publisher over an empty store and a server that answers by path. */
async function withPublisher(
  answers: Readonly<Record<string, string | { readonly redirect: string }>>,
  allowed: readonly string[],
  use: (rig: {
    store: Store;
    origin: string;
    problems: string[];
    asked: string[];
  }) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  const asked: string[] = [];
  await using server = await startApp(
    createServer((request, response) => {
      asked.push(request.url ?? '');
      const answer = answers[request.url ?? ''];
      if (typeof answer === 'string')
        response.end(answer.replaceAll('ORIGIN', `http://${request.headers.host}`));
      else if (answer !== undefined) response.writeHead(302, { location: answer.redirect }).end();
      else response.writeHead(404).end();
    }),
  );
  const store = memoryStore({ clock });
  const problems: string[] = [];
  const stopping = new AbortController();
  const running = issuerKeys({
    ...{ config: { allowedKeyAddresses: allowed }, store, clock },
    events: { taskFailed: ({ reason }) => problems.push(reason) },
  })(stopping.signal);
  try {
    await use({ store, origin: `http://127.0.0.1:${server.address.port}`, problems, asked });
  } finally {
    stopping.abort();
    await running;
    store.close();
  }
}

describe('the keys of issuers', () => {
  const issuer = testIssuer();

  it('are fetched when a rule names them, and dropped when none does any more', async () => {
    await withPublisher({ '/jwks': issuer.jwks }, ['127.0.0.1'], async ({ store, origin }) => {
      const put = (rules: readonly JwtRule[]) =>
        store.commit([{ op: 'put', resource: policyOf(rules) }]);
      await put([{ issuer: issuer.issuer, jwksUri: `${origin}/jwks` }]);
      await vi.waitFor(async () => {
        const [held] = await heldIn(store);
        expect(held?.spec.source).toBe(`${origin}/jwks`);
        expect(held?.spec.jwks).toBe(publicKeysOf(issuer.jwks));
      });
      await put([]);
      await vi.waitFor(async () => expect(await heldIn(store)).toEqual([]));
    });
  });

  it('are fetched again after 20 minutes, although the wall clock was set back', async () => {
    const clock = new ManualClock();
    await withPublisher(
      { '/jwks': issuer.jwks },
      ['127.0.0.1'],
      async ({ store, origin, asked }) => {
        const rule = { issuer: issuer.issuer, jwksUri: `${origin}/jwks` };
        await store.commit([{ op: 'put', resource: policyOf([rule]) }]);
        await vi.waitFor(async () => expect(await heldIn(store)).toHaveLength(1));
        expect(asked).toHaveLength(1);
        clock.setBy(-365 * 86_400_000);
        await vi.waitFor(async () => {
          await clock.advance(20 * 60_000);
          expect(asked.length).toBeGreaterThan(1);
        });
      },
      clock,
    );
  });

  it('are found by the name of the issuer', async () => {
    const answers = {
      '/.well-known/openid-configuration': '{"issuer":"ORIGIN/","jwks_uri":"ORIGIN/keys"}',
      '/keys': issuer.jwks,
    };
    await withPublisher(answers, ['127.0.0.0/8'], async ({ store, origin }) => {
      await store.commit([{ op: 'put', resource: policyOf([{ issuer: `${origin}/` }]) }]);
      await vi.waitFor(async () => expect(await heldIn(store)).toHaveLength(1));
    });
  });

  it.each<[string, Readonly<Record<string, string | { redirect: string }>>, RegExp]>([
    ['not JSON', { '/jwks': 'hello' }, /JSON/],
    ['no JWKS', { '/jwks': '{}' }, /no array "keys"/],
    ['shared secrets only', { '/jwks': '{"keys":[{"kty":"oct","k":"AA"}]}' }, /no public key/],
    ['too large', { '/jwks': ' '.repeat(300_000) }, /more than/],
    [
      'a redirect to somewhere else',
      { '/jwks': { redirect: 'http://127.0.0.2:1/' } },
      /not the same server/,
    ],
    ['nothing', {}, /404/],
  ])('are not taken where there is %s', async (_, answers, reason) => {
    await withPublisher(answers, ['127.0.0.0/8'], async ({ store, origin, problems }) => {
      await store.commit([
        { op: 'put', resource: policyOf([{ issuer: 'x', jwksUri: `${origin}/jwks` }]) },
      ]);
      await vi.waitFor(async () => expect(problems[0]).toMatch(reason));
      expect(await heldIn(store)).toEqual([]);
    });
  });

  it('are not fetched from addresses that are blocked, by number or by name', async () => {
    await withPublisher(
      { '/jwks': issuer.jwks },
      [],
      async ({ store, origin, problems, asked }) => {
        const local = origin.replace('127.0.0.1', 'localhost');
        const rules = [`${origin}/jwks`, `${local}/jwks`].map((jwksUri) => ({
          issuer: 'x',
          jwksUri,
        }));
        await store.commit([{ op: 'put', resource: policyOf(rules) }]);
        await vi.waitFor(async () => expect(problems).toHaveLength(2));
        expect(problems.join()).toMatch(/127\.0\.0\.1.* must not be connected to/);
        expect(asked).toEqual([]);
      },
    );
  });
});

describe('publicKeysOf', () => {
  it('keeps no private part', () => {
    const text = publicKeysOf(
      '{"keys":[{"kty":"RSA","n":"AA","e":"AQAB","d":"SECRET","kid":"1"}]}',
    );
    expect(JSON.parse(text)).toEqual({ keys: [{ kty: 'RSA', kid: '1', n: 'AA', e: 'AQAB' }] });
  });
});

describe('blockedAddresses', () => {
  const isBlocked = blockedAddresses(['169.254.169.254']);
  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['169.254.1.1', true],
    ['169.254.169.254', false],
    ['fe80::1', true],
    ['0.0.0.0', true],
    ['100.100.100.200', true],
    ['10.0.0.1', false],
    ['93.184.216.34', false],
    ['2606:4700::1', false],
    ['rubbish', true],
  ])('%s: %s', (address, blocked) => {
    expect(isBlocked(address)).toBe(blocked);
  });
});
