import { describe, expect, it } from 'vitest';
import { type IssueOptions, testAuthority } from '../../test/kit/test-authority.ts';
import { generateKeyPair } from '../x509/key-pair.ts';
import { parseX509Svid } from './x509-svid.ts';

const ID = 'spiffe://cluster.local/ns/a/sa/b';
const authority = testAuthority();
const refusal = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_SVID', message: expect.stringContaining(problem) });

describe('parseX509Svid', () => {
  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const)(
    'accepts a good SVID with %s keys',
    (algorithm) => {
      const given = testAuthority({ algorithm }).issue(ID);
      const svid = parseX509Svid(given);
      expect(svid.id.toString()).toBe(ID);
      expect(svid.chain).toEqual(given.chain);
    },
  );

  it('accepts a leaf without extended key usage, and one signed by the root', () => {
    expect(parseX509Svid(authority.issue(ID, { extendedKeyUsage: [] })).chain).toHaveLength(2);
    expect(parseX509Svid(authority.issue(ID, { signer: authority.rootSigner })).chain).toHaveLength(
      1,
    );
  });

  it.each<[string, IssueOptions, string]>([
    ['no URI SAN', { uriSans: [], dnsSans: ['x'] }, 'has no URI SAN'],
    ['two URI SANs', { uriSans: [ID, `${ID}c`] }, 'has 2 URI SANs'],
    ['a URI SAN that is no SPIFFE ID', { uriSans: ['https://a/b'] }, 'must begin with spiffe://'],
    ['an ID without a path', { uriSans: ['spiffe://cluster.local'] }, 'without a path'],
    ['CA:true', { isCa: true, subject: [{ type: 'CN', value: 'x' }] }, 'is CA:true'],
    ['keyCertSign', { keyUsage: ['digitalSignature', 'keyCertSign'] }, 'keyCertSign'],
    ['cRLSign', { keyUsage: ['digitalSignature', 'cRLSign'] }, 'cRLSign'],
    [
      'no digitalSignature',
      { keyUsage: ['keyEncipherment'] },
      'lacks the key usage digitalSignature',
    ],
    [
      'only serverAuth',
      { extendedKeyUsage: ['serverAuth'] },
      'without both serverAuth and clientAuth',
    ],
    [
      'only clientAuth',
      { extendedKeyUsage: ['clientAuth'] },
      'without both serverAuth and clientAuth',
    ],
  ])('refuses a leaf with %s', (_, options, problem) => {
    expect(() => parseX509Svid(authority.issue(ID, options))).toThrow(refusal(problem));
  });

  it('refuses a leaf behind the leaf', () => {
    const { chain, privateKey } = authority.issue(ID);
    const other = authority.issue(`${ID}c`).chain;
    expect(() => parseX509Svid({ chain: [...chain, ...other], privateKey })).toThrow(
      refusal('stands behind the leaf in the chain and is not CA:true'),
    );
  });

  it.each<[string, IssueOptions, string]>([
    ['without keyCertSign', { keyUsage: ['cRLSign'] }, 'lacks the key usage keyCertSign'],
    [
      'with the SPIFFE ID of a workload',
      { keyUsage: ['keyCertSign'], uriSans: [ID] },
      'SPIFFE ID with a path',
    ],
  ])('refuses a CA %s in the chain', (_, options, problem) => {
    const keys = generateKeyPair();
    const [ca] = authority.issue(ID, {
      isCa: true,
      subject: [{ type: 'CN', value: 'ca' }],
      uriSans: [],
      keys,
      ...options,
    }).chain;
    const signer = { certificate: ca, privateKey: keys.privateKey };
    expect(() => parseX509Svid(authority.issue(ID, { signer }))).toThrow(refusal(problem));
  });

  it('refuses a chain out of order or of another authority', () => {
    const { chain, privateKey } = authority.issue(ID);
    const [leaf, intermediate] = chain;
    if (leaf === undefined || intermediate === undefined) throw new Error('no chain');
    const stranger = testAuthority();
    for (const wrong of [
      [leaf, authority.root],
      [leaf, stranger.intermediate],
    ]) {
      expect(() => parseX509Svid({ chain: wrong, privateKey })).toThrow(
        refusal('was not issued by the next in the chain'),
      );
    }
    expect(() => parseX509Svid({ chain: [intermediate, leaf], privateKey })).toThrow(
      expect.objectContaining({ code: 'ERR_SVID' }),
    );
  });

  it('refuses the key of another', () => {
    const { chain } = authority.issue(ID);
    const { privateKey, publicKey } = generateKeyPair();
    expect(() => parseX509Svid({ chain, privateKey })).toThrow(
      refusal('was not issued for this private key'),
    );
    expect(() => parseX509Svid({ chain, privateKey: publicKey })).toThrow(
      refusal('was not issued for this private key'),
    );
  });

  it('refuses a chain of no or of nine certificates', () => {
    const { chain, privateKey } = authority.issue(ID);
    expect(() => parseX509Svid({ chain: [], privateKey })).toThrow(
      refusal('without a certificate'),
    );
    expect(() => parseX509Svid({ chain: Array(9).fill(chain[0]), privateKey })).toThrow(
      refusal('9 certificates'),
    );
  });
});
