import { expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { decodeIdentity, encodeIdentity } from './identity-text.ts';

const authority = testAuthority();
const identity = authority.identity('spiffe://cluster.local/ns/shop/sa/reviews');

it('comes back as it was', () => {
  const back = decodeIdentity(JSON.parse(JSON.stringify(encodeIdentity(identity))));
  expect(back.svid.id.equals(identity.svid.id)).toBe(true);
  expect(back.svid.privateKey.equals(identity.svid.privateKey)).toBe(true);
  expect(back.bundle.toPem()).toBe(identity.bundle.toPem());
  expect(back.issuedAtMs).toBe(identity.issuedAtMs);
});

it.each(['chain', 'privateKey', 'bundle', 'issuedAtMs'] as const)(
  'refuses one without %s',
  (field) => {
    const { [field]: _left, ...rest } = encodeIdentity(identity);
    expect(() => decodeIdentity(rest)).toThrow(/not complete/);
  },
);

it('refuses a key that does not belong to the certificate', () => {
  const other = encodeIdentity(authority.identity('spiffe://cluster.local/ns/shop/sa/reviews'));
  const mixed = { ...encodeIdentity(identity), privateKey: other.privateKey };
  expect(() => decodeIdentity(mixed)).toThrow(/key/);
});
