import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { grantOf, isDelegated } from './delegation.ts';

const NODE = 'spiffe://cluster.local/ns/shop/sa/node';
const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';

async function storeWith(spec: object) {
  const store = memoryStore({ clock: new ManualClock() });
  const base = { serviceAccount: 'reviews', selectors: ['unix:uid:1'] };
  const resource = {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'WorkloadRegistration',
    metadata: { name: 'reviews', namespace: 'shop' },
    spec: { ...base, agents: [{ serviceAccount: 'node' }], ...spec },
  };
  await store.commit([{ op: 'put', resource }]);
  return store;
}

const caller = (id: string, by = 'svid') => ({
  ...{ id: SpiffeId.parse(id), by },
  confirm: async () => undefined,
});
const asked = { ImpersonatedIdentity: REVIEWS, WorkloadRegistration: 'shop/reviews' };

it('gives a caller that asks for nothing else its own identity', async () => {
  const store = await storeWith({});
  expect(await grantOf(store, caller(NODE, 'token'), { ClusterID: 'x' })).toMatchObject({
    ...{ by: 'token', dnsSans: undefined, ceilingMs: undefined },
    id: SpiffeId.parse(NODE),
  });
});

it('gives an agent what a registration lets it serve, as the registration says', async () => {
  const store = await storeWith({ dnsNames: ['reviews.shop.svc'], lifetime: '1m' });
  expect(await grantOf(store, caller(NODE), asked)).toMatchObject({
    ...{ by: `agent ${NODE}`, dnsSans: ['reviews.shop.svc'], ceilingMs: 60_000 },
    id: SpiffeId.parse(REVIEWS),
  });
});

it('gives the bearer of what was given to an agent nothing, not even its own identity again', async () => {
  const store = await storeWith({ agents: [{ serviceAccount: 'reviews' }] });
  const bearer = caller(REVIEWS, 'delegated-svid');
  await expect(grantOf(store, bearer, {})).rejects.toThrow(/only that agent can renew it/);
  await expect(grantOf(store, bearer, asked)).rejects.toMatchObject({ code: 'ERR_FORBIDDEN' });
});

it('knows by the ledger what was given to an agent', () => {
  const ledger = (attestor: string | undefined) => ({ attestorOf: () => attestor });
  expect(isDelegated(ledger(`agent ${NODE}`), '4f01')).toBe(true);
  expect(isDelegated(ledger('svid'), '4f01')).toBe(false);
  expect(isDelegated(ledger(undefined), '4f01')).toBe(false);
});

it.each([
  ['an agent that it does not name', {}, caller('spiffe://cluster.local/ns/shop/sa/web'), asked],
  ['one of the same name elsewhere', {}, caller('spiffe://cluster.local/ns/web/sa/node'), asked],
  ['an agent that came by a token', {}, caller(NODE, 'token'), asked],
  ['another identity', {}, caller(NODE), { ...asked, ImpersonatedIdentity: `${REVIEWS}-2` }],
  ['its own identity through it', {}, caller(NODE), { ...asked, ImpersonatedIdentity: NODE }],
  ['no identity', {}, caller(NODE), { WorkloadRegistration: 'shop/reviews' }],
  ['no registration', {}, caller(NODE), { ImpersonatedIdentity: REVIEWS }],
  ['one that is not there', {}, caller(NODE), { ...asked, WorkloadRegistration: 'shop/other' }],
  ['a name in another form', {}, caller(NODE), { ...asked, WorkloadRegistration: 'a/b/c' }],
  ['something that is no text', {}, caller(NODE), { ...asked, WorkloadRegistration: { a: 1 } }],
  [
    'a service account that it is about no more',
    { serviceAccount: 'ratings' },
    caller(NODE),
    asked,
  ],
  [
    'an identity of another trust domain',
    {},
    caller(NODE),
    { ...asked, ImpersonatedIdentity: REVIEWS.replace('cluster.local', 'other') },
  ],
])('refuses %s', async (_what, spec, who, metadata) => {
  const store = await storeWith(spec);
  await expect(grantOf(store, who, metadata)).rejects.toMatchObject({ code: 'ERR_FORBIDDEN' });
});
