import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fallbackPolicy, peerAuthentication } from '../../test/kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  type PairOptions,
  readToEnd,
  SERVER_ID,
  startPair,
} from '../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import type { FallbackPolicy } from '../resources/kinds/fallback-policy.ts';

const HOUR_MS = 3_600_000;
const authority = testAuthority();
const expired = {
  notBeforeMs: Date.now() - 2 * HOUR_MS,
  notAfterMs: Date.now() - HOUR_MS,
};
const root = { namespace: 'istio-system', name: 'mesh' };

/** A pair in which both have this policy, and one or both certificates have run out an hour ago. */
function pairWith(
  spec: FallbackPolicy['spec'] | undefined,
  whose: 'client' | 'server' | 'both',
  more: PairOptions = {},
) {
  const fallbackPolicies = spec === undefined ? [] : [fallbackPolicy(spec, root)];
  return startPair({
    authority,
    clientIdentity: authority.identity(CLIENT_ID, whose === 'server' ? {} : expired),
    serverIdentity: authority.identity(SERVER_ID, whose === 'client' ? {} : expired),
    ...more,
    serverFacts: { fallbackPolicies, ...more.serverFacts },
    clientFacts: { fallbackPolicies, ...more.clientFacts },
  });
}

describe('without a FallbackPolicy, or with Deny', () => {
  it.each([undefined, { mode: 'Deny' } as const])(
    '%j refuses an expired certificate',
    async (spec) => {
      await using pair = await pairWith(spec, 'client');
      expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
      expect(pair.client.events.handshakes[0]?.reason).toMatch(
        /own certificate|own .*is valid from/,
      );
      expect(pair.client.events.fallbacks).toEqual([]);
    },
  );
});

describe.each(['hbone', 'istio-mtls'] as const)('KeepLast by %s', (transport) => {
  const keep = { mode: 'KeepLast', keepFor: '2h' } as const;

  it.each(['client', 'server', 'both'] as const)(
    'goes on with the expired certificate of %s, and says so on both sides',
    async (whose) => {
      await using pair = await pairWith(keep, whose, { transport });
      expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
      const told = [...pair.client.events.fallbacks, ...pair.server.events.fallbacks];
      const ids =
        whose === 'both' ? [CLIENT_ID, SERVER_ID] : [whose === 'client' ? CLIENT_ID : SERVER_ID];
      expect(new Set(told.map(({ id }) => id))).toEqual(new Set(ids));
      expect(new Set(told.map((use) => use.whose))).toEqual(new Set(['own', 'peer']));
      expect(told).toContainEqual({
        ...{ mode: 'KeepLast', policy: 'istio-system/mesh', notAfterMs: expect.any(Number) },
        ...{ atMs: expect.any(Number), direction: 'outbound', id: ids[0] },
        whose: whose === 'server' ? 'peer' : 'own',
      });
      expect(pair.client.proxy.stats.fallbacksUsed).toBeGreaterThan(0);
    },
  );

  it('ends when the time is over', async () => {
    await using pair = await pairWith({ mode: 'KeepLast', keepFor: '59m' }, 'both', { transport });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.client.events.fallbacks).toEqual([]);
  });
});

describe('Plaintext', () => {
  const plaintext = { mode: 'Plaintext' } as const;

  it('calls without TLS while there is no valid certificate, and not before', async () => {
    await using pair = await pairWith(plaintext, 'client');
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.opened).toMatchObject([
      { transport: 'plaintext', peerId: undefined },
    ]);
    expect(pair.client.events.fallbacks).toMatchObject([
      { mode: 'Plaintext', whose: 'own', id: CLIENT_ID, policy: 'istio-system/mesh' },
    ]);
    pair.client.identity.set(authority.identity(CLIENT_ID));
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.client.events.opened[1]).toMatchObject({ transport: 'hbone', peerId: SERVER_ID });
    expect(pair.client.events.fallbacks).toHaveLength(1);
  });

  it('never to a workload that is known to be STRICT', async () => {
    const peerAuthentications = [peerAuthentication({ mtls: { mode: 'STRICT' } })];
    await using pair = await pairWith(plaintext, 'client', {
      clientFacts: { peerAuthentications },
    });
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.server.events.opened).toEqual([]);
    expect(pair.client.events.fallbacks).toEqual([]);
  });

  it('does not believe an expired certificate', async () => {
    await using pair = await pairWith(plaintext, 'server');
    expect((await readToEnd(connect(pair.outbound))).how).toBe('reset');
    expect(pair.server.events.opened).toEqual([]);
  });
});
