import { expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { identifyCaller } from './identify-caller.ts';
import { svidAttestor } from './svid-attestor.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
const clock = new ManualClock();
const authority = testAuthority({ nowMs: clock.now() });
const revoked = authority.issue(ID);
const attestors = [
  svidAttestor({
    bundles: () => authority.bundle,
    clock,
    refuseRevoked(serial) {
      if (serial === revoked.chain[0]?.serial) throw new Error('it was revoked');
    },
  }),
];

it('knows a caller by its SVID', async () => {
  const { chain } = authority.issue(ID);
  const caller = await identifyCaller(attestors, { bearer: undefined, chain });
  expect([caller.id.toString(), caller.by]).toEqual([ID, 'svid']);
});

it.each([
  ['an expired SVID', authority.issue(ID, { notAfterMs: clock.now() - 1 }).chain, /expired/],
  [
    'an SVID of a CA that we do not trust',
    testAuthority({ nowMs: clock.now() }).issue(ID).chain,
    /trust|root/,
  ],
  ['a revoked SVID', revoked.chain, /it was revoked/],
  ['no evidence at all', [], /neither a client certificate nor a known kind of token/],
])('refuses %s', async (_name, chain, reason) => {
  const call = identifyCaller(attestors, { bearer: undefined, chain });
  await expect(call).rejects.toMatchObject({ code: 'ERR_UNAUTHENTICATED' });
  await expect(call).rejects.toThrow(reason);
});
