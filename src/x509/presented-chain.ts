import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Certificate, parseCertificate } from './certificate.ts';

const MAX_CHAIN = 8;

/**
 * The certificates that the other side of a TLS connection sent, in its order, at most 8. Nothing is
 * verified but that it holds the first one's key, which the handshake has proved.
 *
 * @throws {MeshError} ERR_DER or ERR_KEY for one that cannot be read.
 */
export function presentedChain(socket: TLSSocket): Certificate[] {
  const chain: Certificate[] = [];
  let next: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < MAX_CHAIN) {
    chain.push(parseCertificate(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}
