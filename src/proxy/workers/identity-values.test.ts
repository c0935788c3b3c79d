import { describe, expect, it } from 'vitest';
import { SERVER_ID } from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { identityOf, identityValues } from './identity-values.ts';

const authority = testAuthority();
const identity = authority.identity(SERVER_ID);

describe('an identity that goes to another thread', () => {
  it('arrives as it was, key included', () => {
    const arrived = identityOf(structuredClone(identityValues(identity)));
    expect(arrived.svid.id.toString()).toBe(SERVER_ID);
    expect(arrived.svid.chain.map(({ der }) => der)).toEqual(
      identity.svid.chain.map(({ der }) => der),
    );
    expect(arrived.svid.privateKey.equals(identity.svid.privateKey)).toBe(true);
    expect(arrived.bundle.toPem()).toBe(identity.bundle.toPem());
    expect(arrived.issuedAtMs).toBe(identity.issuedAtMs);
  });

  it('has no bytes of the private key in it', () => {
    const { svid } = identityValues(identity);
    const { d = '' } = identity.svid.privateKey.export({ format: 'jwk' });
    expect(d).not.toBe('');
    const bytes = Buffer.concat((svid?.chain ?? []).map((der) => Buffer.from(der)));
    expect(bytes.includes(Buffer.from(d, 'base64url'))).toBe(false);
    expect(svid?.privateKey).toBe(identity.svid.privateKey);
  });

  it('keeps what did not change as the same object', () => {
    const first = identityOf(structuredClone(identityValues(identity)));
    const next = { ...identity, bundle: testAuthority().bundle, issuedAtMs: 7 };
    const second = identityOf(structuredClone(identityValues(next, identity)), first);
    expect(second.svid).toBe(first.svid);
    expect(second.federated).toBe(first.federated);
    expect(second.bundle.toPem()).toBe(next.bundle.toPem());
    expect(second.issuedAtMs).toBe(7);
  });

  it('takes federated bundles away when they are gone', () => {
    const { bundle } = testAuthority({ trustDomain: 'elsewhere.org' });
    const federated = { ...identity, federated: [bundle] };
    const first = identityOf(structuredClone(identityValues(federated)));
    expect(first.federated?.map(({ trustDomain }) => trustDomain.name)).toEqual(['elsewhere.org']);
    const { federated: _, ...without } = federated;
    const second = identityOf(structuredClone(identityValues(without, federated)), first);
    expect(second.federated).toEqual([]);
  });
});
