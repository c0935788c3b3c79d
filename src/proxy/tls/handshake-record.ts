import { createHash } from 'node:crypto';
import { MeshError, type MeshErrorCode } from '../../lib/errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Peer } from './peer.ts';

/** What kept a handshake from success: the code of the check, or that TLS itself failed. */
export type HandshakeVerdict = MeshErrorCode | 'ERR_TLS';

/** The part of a failed handshake's record that is about the certificate that was shown. */
export interface PresentedCertificate {
  /** The SPIFFE ID in it, proved or not. */
  readonly presentedId: string | undefined;
  readonly presentedSerial: string | undefined;
  /** Distinguished name of who signed it. */
  readonly presentedIssuer: string | undefined;
  /** When it runs out, in milliseconds since 1970. */
  readonly presentedNotAfterMs: number | undefined;
}

const ID_LENGTH = 16;

/**
 * A name for one handshake that both ends find out by themselves: it is made of the addresses of the
 * TCP connection, so it is another one where something between them translates addresses.
 */
export function handshakeId(client: Address, server: Address): string {
  const text = `${formatAddress(client)} ${formatAddress(server)}`;
  return createHash('sha256').update(text).digest('hex').slice(0, ID_LENGTH);
}

export function presentedCertificate(leaf: Certificate | undefined): PresentedCertificate {
  return {
    presentedId: leaf?.uriSans[0],
    presentedSerial: leaf?.serial,
    presentedIssuer: leaf?.issuer,
    presentedNotAfterMs: leaf?.notAfterMs,
  };
}

/** The same of a peer that was proved, whose own verdict on us was another. */
export function presentedBy({ id, serial, issuer, notAfterMs }: Peer): PresentedCertificate {
  return {
    ...{ presentedId: id, presentedSerial: serial },
    ...{ presentedIssuer: issuer, presentedNotAfterMs: notAfterMs },
  };
}

export function verdictOf(error: unknown): HandshakeVerdict {
  return MeshError.is(error) ? error.code : 'ERR_TLS';
}

/** A handshake of our own that failed, as an error: lost, so that another may well succeed, or refused. */
export function failedHandshake(
  verdict: HandshakeVerdict,
  reason: string,
  cause?: unknown,
): MeshError {
  const code = verdict === 'ERR_UNREACHABLE' ? verdict : 'ERR_UNAUTHENTICATED';
  return new MeshError(code, reason, cause === undefined ? {} : { cause });
}

/** What to do about it, where more can be said than the reason says. */
export function handshakeHint(
  verdict: HandshakeVerdict,
  { presentedNotAfterMs, presentedIssuer }: PresentedCertificate,
  nowMs: number,
): string | undefined {
  if (presentedNotAfterMs !== undefined && nowMs > presentedNotAfterMs) {
    return 'the other side could not renew: `hauberk sidecar status` there says since when, and `hauberk doctor` why';
  }
  switch (verdict) {
    case 'ERR_UNREACHABLE':
    case 'ERR_TLS':
      return "the other side's record with the same handshakeId says which certificate and which check";
    case 'ERR_PATH':
      return `find out who runs the authority ${presentedIssuer ?? ''}; of another mesh, federate with it`;
    case 'ERR_UNAUTHENTICATED':
      return 'compare the serviceAccount of the WorkloadEntry with the one that the other side enrolled as';
    default:
      return undefined;
  }
}
