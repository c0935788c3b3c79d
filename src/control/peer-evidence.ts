import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type ContextKey, createContextKey } from '@connectrpc/connect';
import type { Evidence } from '../attestation/attestor.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';

/** What is known of the peer of one connection before anybody judged it. */
export interface PeerEvidence {
  readonly chain: Evidence['chain'];
  /** `address:port`, for the audit log. */
  readonly address: string;
}

/** Under this key the RPC handlers find their caller's evidence. */
export const peerEvidenceKey: ContextKey<PeerEvidence> = createContextKey<PeerEvidence>({
  chain: [],
  address: 'unknown',
});

const LONGEST_CHAIN = 8;
const bySocket = new WeakMap<object, PeerEvidence>();

/** The evidence of a TLS connection, read once per connection. A chain that cannot be parsed is none. */
export function peerEvidenceOf(socket: TLSSocket): PeerEvidence {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const evidence: PeerEvidence = {
    chain: presentedChain(socket),
    address: `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
  };
  bySocket.set(socket, evidence);
  return evidence;
}

function presentedChain(socket: TLSSocket): readonly Certificate[] {
  const chain: Certificate[] = [];
  let next: X509Certificate | undefined = socket.getPeerX509Certificate();
  try {
    while (next !== undefined && chain.length < LONGEST_CHAIN) {
      chain.push(parseCertificate(next.raw));
      next = next.issuerCertificate;
    }
  } catch {
    return [];
  }
  return chain;
}
