import { createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { type Certificate, isSignedBy } from '../x509/certificate.ts';
import { describeCertificate } from '../x509/describe-certificate.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { spiffeIdOf } from './verify-peer.ts';

/** An identity of one's own that can be proved: certificates and their private key. */
export interface X509Svid {
  readonly id: SpiffeId;
  /** Leaf first, each issued by the next, without the root. */
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
}

const MAX_CHAIN = 8;

/**
 * Checks what is to be shown to others as one's own SVID: leaf and CA rules of X509-SVID 4 and 5,
 * the order of the chain, and that the key is the leaf's. Validity in time is not looked at.
 *
 * @throws {MeshError} ERR_SVID naming the certificate and the rule.
 */
export function parseX509Svid(input: {
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
}): X509Svid {
  const { chain, privateKey } = input;
  const [leaf, ...authorities] = chain;
  if (leaf === undefined) throw new MeshError('ERR_SVID', 'an SVID without a certificate');
  if (chain.length > MAX_CHAIN) {
    throw new MeshError(
      'ERR_SVID',
      `an SVID of ${chain.length} certificates; at most ${MAX_CHAIN}`,
    );
  }
  const id = spiffeIdOf(leaf);
  checkOwnLeaf(leaf);
  authorities.forEach(checkAuthority);
  for (const [i, issuer] of authorities.entries()) checkIssued(chain[i] ?? leaf, issuer);
  checkKey(leaf, privateKey);
  return { id, chain, privateKey };
}

function checkOwnLeaf(leaf: Certificate): void {
  if (!leaf.keyUsage?.has('digitalSignature')) refuse(leaf, 'lacks the key usage digitalSignature');
  const purposes = leaf.extendedKeyUsage;
  if (purposes !== undefined && !(purposes.has('serverAuth') && purposes.has('clientAuth'))) {
    refuse(leaf, 'has an extended key usage without both serverAuth and clientAuth');
  }
}

function checkAuthority(authority: Certificate): void {
  if (!authority.isCa) refuse(authority, 'stands behind the leaf in the chain and is not CA:true');
  if (!authority.keyUsage?.has('keyCertSign')) refuse(authority, 'lacks the key usage keyCertSign');
  if (authority.uriSans.some((uri) => /^spiffe:\/\/[^/]*\/./.test(uri))) {
    refuse(authority, 'is a CA and has a SPIFFE ID with a path');
  }
}

function checkIssued(certificate: Certificate, issuer: Certificate): void {
  const named = Buffer.compare(certificate.issuerDer, issuer.subjectDer) === 0;
  if (!named || !isSignedBy(certificate, issuer.publicKey)) {
    refuse(certificate, `was not issued by the next in the chain, ${describeCertificate(issuer)}`);
  }
}

function checkKey(leaf: Certificate, privateKey: KeyObject): void {
  if (privateKey.type !== 'private' || !createPublicKey(privateKey).equals(leaf.publicKey)) {
    refuse(leaf, 'was not issued for this private key');
  }
}

function refuse(certificate: Certificate, problem: string): never {
  throw new MeshError('ERR_SVID', `${describeCertificate(certificate)} ${problem}`);
}
