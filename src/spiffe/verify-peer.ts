import { MeshError, messageOf } from '../lib/errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { describeCertificate } from '../x509/describe-certificate.ts';
import { validatePath } from '../x509/path.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';

/**
 * The SPIFFE ID of a leaf: exactly one URI SAN, with a path, in a certificate that is no CA and has
 * neither keyCertSign nor cRLSign (X509-SVID 5.2). Says nothing about who signed it.
 *
 * @throws {MeshError} ERR_SVID naming the certificate and the rule.
 */
export function spiffeIdOf(leaf: Certificate): SpiffeId {
  const [uri, ...others] = leaf.uriSans;
  if (uri === undefined) refuse(leaf, 'has no URI SAN, so it has no SPIFFE ID');
  if (others.length > 0) {
    refuse(leaf, `has ${others.length + 1} URI SANs; a SPIFFE identity has exactly one`);
  }
  if (leaf.isCa) refuse(leaf, 'is CA:true and may not stand for a workload');
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (leaf.keyUsage?.has(usage))
      refuse(leaf, `has the key usage ${usage}, which only CAs may have`);
  }
  const id = parseId(leaf, uri);
  if (id.path === '') refuse(leaf, 'has a SPIFFE ID without a path, which only CAs may have');
  return id;
}

function parseId(leaf: Certificate, uri: string): SpiffeId {
  try {
    return SpiffeId.parse(uri);
  } catch (cause) {
    throw new MeshError('ERR_SVID', `${describeCertificate(leaf)}: ${messageOf(cause)}`, { cause });
  }
}

/** What a peer showed, and whom to trust. */
export interface PeerQuestion {
  /** As the peer sent it: the leaf first. */
  readonly chain: readonly Certificate[];
  /** The bundle of a trust domain, undefined for one that is not trusted. */
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly nowMs: number;
  readonly purpose?: 'serverAuth' | 'clientAuth';
}

/**
 * Who the peer is, proved against the bundle of its own trust domain and no other.
 *
 * @throws {MeshError} ERR_SVID for what the certificate is, ERR_PATH for who signed it and when.
 */
export function verifyPeer(question: PeerQuestion): SpiffeId {
  return verifiedPeer(question).id;
}

/**
 * As `verifyPeer`, with the path by which the peer was proved, leaf to root.
 *
 * @throws {MeshError} as verifyPeer does.
 */
export function verifiedPeer(question: PeerQuestion): {
  readonly id: SpiffeId;
  readonly path: readonly Certificate[];
} {
  const { chain, bundles, nowMs, purpose } = question;
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined) throw new MeshError('ERR_SVID', 'the peer showed no certificate');
  const id = spiffeIdOf(leaf);
  const roots = bundles(id.trustDomain)?.x509Authorities;
  if (roots === undefined) {
    refuse(leaf, `is of the trust domain "${id.trustDomain}", of which there is no bundle here`);
  }
  if (roots.length === 0) {
    refuse(leaf, `is of the trust domain "${id.trustDomain}", whose authorities are all revoked`);
  }
  const path = validatePath({
    leaf,
    intermediates,
    roots,
    nowMs,
    ...(purpose === undefined ? {} : { purpose }),
  });
  return { id, path };
}

function refuse(leaf: Certificate, problem: string): never {
  throw new MeshError('ERR_SVID', `${describeCertificate(leaf)} ${problem}`);
}
