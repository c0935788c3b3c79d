import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { type TestAuthority, testAuthority } from '../../../test/kit/test-authority.ts';
import { MeshError } from '../../lib/errors.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { type MeshFacts, noFacts } from '../../policy/mesh-facts.ts';
import type { WorkloadRegistration } from '../../resources/kinds/workload-registration.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { RegisteredIdentities } from './registered-identities.ts';

const HOUR_MS = 3_600_000;
const idOf = (account: string) => `spiffe://cluster.local/ns/shop/sa/${account}`;
let stop: () => Promise<void>;
afterEach(() => stop());

function registration(
  name: string,
  spec: Partial<WorkloadRegistration['spec']> = {},
): WorkloadRegistration {
  return {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'WorkloadRegistration',
    metadata: { name, namespace: 'shop' },
    spec: {
      ...{ serviceAccount: name, selectors: ['unix:uid:1'], agents: [{ serviceAccount: 'node' }] },
      ...spec,
    },
  };
}

/** An agent `node` whose control plane answers as told. */
async function start(
  maxServed = 256,
  handedOver: (authority: TestAuthority) => ReadonlyMap<string, Identity> = () => new Map(),
) {
  const clock = new ManualClock();
  const authority = testAuthority({ nowMs: clock.now() });
  const facts = new WatchableValue<MeshFacts>(noFacts);
  const own = new WatchableValue<Identity>(authority.identity(idOf('node')));
  const asked: string[] = [];
  const replaced: (string | undefined)[] = [];
  const told: string[] = [];
  const plane: { refusal: string | undefined } = { refusal: undefined };
  const identities = new RegisteredIdentities({
    ...{ facts, own, clock, maxServed, random: () => 0.5, handedOver: handedOver(authority) },
    obtain: async ({ metadata: { name }, spec: { serviceAccount } }, keys, _signal, before) => {
      asked.push(name);
      replaced.push(before);
      if (plane.refusal !== undefined) throw new MeshError('ERR_FORBIDDEN', plane.refusal);
      const notAfterMs = clock.now() + HOUR_MS;
      const identity = authority.identity(idOf(serviceAccount), { keys, notAfterMs });
      return { ...identity, issuedAtMs: clock.now() };
    },
    events: {
      issued: ({ registration: name }) => told.push(`issued ${name}`),
      failed: ({ reason }) => told.push(reason),
      tooMany: ({ registrations, served }) => told.push(`${registrations} of ${served}`),
    },
  });
  const controller = new AbortController();
  const running = identities.run(controller.signal);
  stop = async () => {
    controller.abort();
    await clock.advance(1);
    await running;
  };
  const say = async (...registrations: readonly WorkloadRegistration[]) => {
    facts.set({ ...facts.current, registrations });
    await clock.advance(1);
  };
  const held = () =>
    identities.held.current.map(({ identity }) => identity?.svid.id.toString() ?? '');
  const serial = () => identities.held.current[0]?.identity?.svid.chain[0]?.serial ?? '';
  return {
    clock,
    authority,
    facts,
    own,
    asked,
    replaced,
    told,
    plane,
    identities,
    say,
    held,
    serial,
  };
}

it('obtains what names this agent, and keeps the order of the names', async () => {
  const { say, held, asked } = await start();
  await say(registration('reviews'));
  await say(
    registration('reviews'),
    registration('elsewhere', { agents: [{ serviceAccount: 'node', namespace: 'infra' }] }),
    registration('admin'),
  );
  expect(held()).toEqual([idOf('admin'), idOf('reviews')]);
  expect(asked).toEqual(['reviews', 'admin']);
});

it('has a key of its own for each identity, and whom to trust from the agent', async () => {
  const { say, identities, own, authority } = await start();
  await say(registration('a'), registration('b'));
  const keys = identities.held.current.map(({ identity }) => identity?.svid.privateKey);
  expect(keys[0]?.equals(keys[1] ?? keys[0])).toBe(false);
  const before = identities.held.current[0]?.identity;
  own.set({ ...authority.identity(idOf('node')), bundle: own.current.bundle });
  // The agent's own renewal is nothing new for the workloads.
  expect(identities.held.current[0]?.identity).toBe(before);
  const { bundle } = testAuthority();
  own.set({ ...own.current, bundle });
  expect(identities.held.current[0]?.identity?.bundle).toBe(bundle);
});

it('tries again what is refused, and says why meanwhile', async () => {
  const { say, held, plane, identities, clock } = await start();
  plane.refusal = 'not you';
  await say(registration('reviews'));
  expect(identities.held.current).toMatchObject([{ identity: undefined, problem: 'not you' }]);
  plane.refusal = undefined;
  await clock.advance(60_000);
  expect(held()).toEqual([idOf('reviews')]);
  expect(identities.held.current[0]?.problem).toBeUndefined();
});

it('renews at half of the life, and keeps what is valid when that fails', async () => {
  const { say, serial, plane, identities, clock } = await start();
  await say(registration('reviews'));
  const first = serial();
  await clock.advance(HOUR_MS / 2);
  const second = serial();
  expect(second).not.toBe(first);
  plane.refusal = 'away';
  await clock.advance(HOUR_MS / 2 + 60_000);
  expect(serial()).toBe(second);
  expect(identities.held.current[0]?.problem).toContain('away');
});

it('says which certificate the new one comes in place of', async () => {
  const { say, serial, replaced, clock } = await start();
  await say(registration('reviews'));
  const first = serial();
  await clock.advance(HOUR_MS / 2);
  expect(replaced).toEqual([undefined, first]);
  const second = serial();
  await say();
  await say(registration('reviews'));
  expect(replaced).toEqual([undefined, first, second]);
});

it('goes on with what was handed over to it, where that is for the same account', async () => {
  const { say, held, asked, identities } = await start(
    256,
    (authority) =>
      new Map([
        ['shop/reviews as reviews', authority.identity(idOf('reviews'))],
        ['shop/ratings as ratings', authority.identity(idOf('somebody'))],
      ]),
  );
  await say(registration('ratings'), registration('reviews'));
  expect(held()).toEqual([idOf('ratings'), idOf('reviews')]);
  expect(asked).toEqual(['ratings']);
  expect([...identities.identities.keys()]).toEqual([
    'shop/ratings as ratings',
    'shop/reviews as reviews',
  ]);
});

it('does not use what was handed over and has expired', async () => {
  const { say, held, asked, clock } = await start(256, (authority) => {
    const notAfterMs = new ManualClock().now() + 1_000;
    return new Map([
      ['shop/reviews as reviews', authority.identity(idOf('reviews'), { notAfterMs })],
    ]);
  });
  await clock.advance(2_000);
  await say(registration('reviews'));
  expect(held()).toEqual([idOf('reviews')]);
  expect(asked).toEqual(['reviews']);
});

it('obtains a new certificate when what is in it changes, and none for another selector', async () => {
  const { say, serial, identities } = await start();
  await say(registration('reviews'));
  const first = serial();
  await say(registration('reviews', { selectors: ['unix:uid:2'] }));
  expect(serial()).toBe(first);
  expect(identities.held.current[0]?.registration.spec.selectors).toEqual(['unix:uid:2']);
  await say(registration('reviews', { dnsNames: ['reviews.shop'] }));
  expect(serial()).not.toBe(first);
});

it('holds nothing of the service account before, when it is about another one', async () => {
  const { say, held, plane } = await start();
  await say(registration('reviews'));
  plane.refusal = 'not yet';
  await say(registration('reviews', { serviceAccount: 'ratings' }));
  expect(held()).toEqual(['']);
});

it('does not give away a revoked certificate, and replaces it', async () => {
  const { say, serial, facts, plane, held, clock } = await start();
  await say(registration('reviews'));
  const revoked = serial();
  plane.refusal = 'away';
  const revocation = {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'CertificateRevocation' as const,
    metadata: { name: revoked },
    spec: {
      ...{ identity: idOf('reviews'), issuerSerial: '01', reason: 'keyCompromise' as const },
      ...{ revokedAt: '2026-01-01T00:00:00Z', notAfter: '2026-01-02T00:00:00Z' },
    },
  };
  facts.set({ ...facts.current, revocations: [revocation] });
  await clock.advance(1);
  expect(held()).toEqual(['']);
  plane.refusal = undefined;
  await clock.advance(60_000);
  expect(held()).toEqual([idOf('reviews')]);
  expect(serial()).not.toBe(revoked);
});

it('serves no more than it is allowed, and says so', async () => {
  const { say, held, told } = await start(2);
  await say(registration('a'), registration('b'), registration('c'));
  expect(held()).toEqual([idOf('a'), idOf('b')]);
  expect(told).toContain('3 of 2');
});

it('forgets what is deleted', async () => {
  const { say, held, asked, clock } = await start();
  await say(registration('reviews'));
  await say();
  expect(held()).toEqual([]);
  await clock.advance(2 * HOUR_MS);
  expect(asked).toEqual(['reviews']);
});
