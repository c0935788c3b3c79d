import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { MeshError } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { verifiedPeer } from '../../spiffe/verify-peer.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { describeCertificate } from '../../x509/describe-certificate.ts';
import type { TlsFacts } from '../proxy-events.ts';

/** The other side of a mutual TLS connection, proved. */
export interface Peer {
  /** Its SPIFFE ID as text. */
  readonly id: string;
  /** The same without `spiffe://`, as policies name it. */
  readonly principal: string;
  /** Serial of its certificate in lower-case hex. */
  readonly serial: string;
  /** Distinguished name of who signed it. */
  readonly issuer: string;
  /** SHA-256 of its certificate, in hex. */
  readonly certificateHash: string;
  /** Serials of the authorities by which it was proved. */
  readonly authoritySerials: readonly string[];
  /** When its certificate runs out, in milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** Whom to believe when a peer is verified. */
export interface PeerTrust {
  readonly identity: Identity;
  /** Trust domains whose identities are those of this mesh: its own and its aliases. */
  readonly trustDomains: readonly string[];
  readonly nowMs: number;
  readonly purpose: 'serverAuth' | 'clientAuth';
}

const SCHEME = 'spiffe://';

/**
 * Who presented `chain`: an identity of this mesh, or of a federated trust domain, proved against the
 * bundle of that domain and no other.
 *
 * @throws {MeshError} ERR_SVID or ERR_PATH naming the certificate and the check.
 */
export function provenPeer(chain: readonly Certificate[], trust: PeerTrust): Peer {
  const { identity, trustDomains, nowMs, purpose } = trust;
  const { id, path } = verifiedPeer({
    chain,
    bundles: ({ name }) =>
      trustDomains.includes(name) ? identity.bundle : federatedBundle(identity, name),
    nowMs,
    purpose,
  });
  const [leaf] = chain;
  const text = id.toString();
  return {
    ...{ id: text, principal: text.slice(SCHEME.length) },
    ...{ serial: leaf?.serial ?? '', authoritySerials: path.slice(1).map(({ serial }) => serial) },
    issuer: leaf?.issuer ?? '',
    certificateHash: createHash('sha256')
      .update(leaf?.der ?? '')
      .digest('hex'),
    ...{ notAfterMs: leaf?.notAfterMs ?? 0 },
  };
}

function federatedBundle({ federated = [] }: Identity, name: string): TrustBundle | undefined {
  return federated.find(({ trustDomain }) => trustDomain.name === name);
}

/**
 * Refuses to go on with an SVID of one's own that has run out, or is not valid yet.
 *
 * @throws {MeshError} ERR_SVID with both clocks.
 */
export function checkOwnValidity({ svid }: Identity, nowMs: number): void {
  const [leaf] = svid.chain;
  if (leaf === undefined || (nowMs >= leaf.notBeforeMs && nowMs <= leaf.notAfterMs)) return;
  const from = new Date(leaf.notBeforeMs).toISOString();
  const to = new Date(leaf.notAfterMs).toISOString();
  throw new MeshError(
    'ERR_SVID',
    `this workload's own ${describeCertificate(leaf)} is valid from ${from} to ${to} and it is ${new Date(nowMs).toISOString()}; see why its agent could not renew it`,
  );
}

/** What the handshake settled on. */
export function tlsFactsOf(socket: TLSSocket): TlsFacts {
  return {
    tlsVersion: socket.getProtocol() ?? undefined,
    cipher: socket.getCipher().standardName,
    keyExchange: keyExchangeOf(socket),
    resumed: socket.isSessionReused(),
  };
}

/** Node types `getEphemeralKeyInfo` without the groups that OpenSSL 3.5 added. */
function keyExchangeOf(socket: TLSSocket): string | null {
  const info: unknown = socket.getEphemeralKeyInfo();
  if (typeof info !== 'object' || info === null) return null;
  return 'name' in info && typeof info.name === 'string' ? info.name : null;
}

/** Serial of the certificate that this side showed in the handshake, as `Certificate.serial` has it. */
export function ownSerialOf(socket: TLSSocket): string | undefined {
  return socket.getX509Certificate()?.serialNumber.toLowerCase();
}
