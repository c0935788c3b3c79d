import type { TLSSocket } from 'node:tls';
import { type ContextKey, createContextKey } from '@connectrpc/connect';
import type { Evidence } from '../../attestation/attestor.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { presentedChain } from '../../x509/presented-chain.ts';

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

const bySocket = new WeakMap<object, PeerEvidence>();

/** The evidence of a TLS connection, read once per connection. A chain that cannot be parsed is none. */
export function peerEvidenceOf(socket: TLSSocket): PeerEvidence {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const evidence: PeerEvidence = {
    chain: chainOf(socket),
    address: `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`,
  };
  bySocket.set(socket, evidence);
  return evidence;
}

function chainOf(socket: TLSSocket): readonly Certificate[] {
  try {
    return presentedChain(socket);
  } catch {
    return [];
  }
}
