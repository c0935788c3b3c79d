import { randomBytes } from 'node:crypto';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import { buildCertificate } from '../x509/build-certificate.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { NameAttribute } from '../x509/distinguished-name.ts';
import {
  generateKeyPair,
  type KeyAlgorithm,
  type KeyPair,
  keyAlgorithmOf,
} from '../x509/key-pair.ts';

/** A signing key with its certificate. */
export interface Authority {
  readonly certificate: Certificate;
  readonly privateKey: KeyPair['privateKey'];
}

export interface AuthorityRequest {
  readonly trustDomain: TrustDomain;
  readonly nowMs: number;
  readonly lifetimeMs: number;
  /** Default: the issuer's, for a root `ecdsa-p256`. */
  readonly algorithm?: KeyAlgorithm;
}

/** How far certificates are dated back, so that a peer whose clock is behind accepts them. */
export const BACKDATE_MS = 120_000;

const SERIAL_BYTES = 16;

/** A positive random serial of 128 bits (RFC 5280 4.1.2.2 allows up to 20 octets). */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** A self-signed root that may sign intermediates of any depth. */
export function createRoot(request: AuthorityRequest): Authority {
  return createAuthority(request, 'root', undefined);
}

/** An intermediate under `root` that may sign leaves only. It never outlives its root. */
export function createIntermediate(root: Authority, request: AuthorityRequest): Authority {
  return createAuthority(request, 'intermediate', root);
}

function createAuthority(
  request: AuthorityRequest,
  role: 'root' | 'intermediate',
  issuer: Authority | undefined,
): Authority {
  const { trustDomain, nowMs, lifetimeMs } = request;
  const inherited = issuer && keyAlgorithmOf(issuer.certificate.publicKey);
  const keys = generateKeyPair(request.algorithm ?? inherited);
  const serial = randomSerial();
  const notAfterMs = nowMs + lifetimeMs;
  const certificate = buildCertificate(
    {
      serial,
      subject: subjectOf(role, trustDomain, Buffer.from(serial).toString('hex')),
      notBeforeMs: Math.max(nowMs - BACKDATE_MS, issuer?.certificate.notBeforeMs ?? 0),
      notAfterMs: Math.min(notAfterMs, issuer?.certificate.notAfterMs ?? notAfterMs),
      publicKey: keys.publicKey,
      isCa: true,
      ...(issuer === undefined ? {} : { pathLength: 0 }),
      keyUsage: ['keyCertSign', 'cRLSign'],
      uriSans: [trustDomain.id],
    },
    { certificate: issuer?.certificate, privateKey: issuer?.privateKey ?? keys.privateKey },
  );
  return { certificate, privateKey: keys.privateKey };
}

/**
 * The key of the root `next` under the signature of the root `old`: who trusts only `old` follows a
 * chain with this in it, who trusts `next` never looks at it. It ends with the first of the two.
 */
export function crossSign(
  next: Authority,
  old: Authority,
  { trustDomain, nowMs }: Pick<AuthorityRequest, 'trustDomain' | 'nowMs'>,
): Certificate {
  const { publicKey, serial, notBeforeMs, notAfterMs } = next.certificate;
  return buildCertificate(
    {
      serial: randomSerial(),
      subject: subjectOf('root', trustDomain, serial),
      notBeforeMs: Math.max(nowMs - BACKDATE_MS, notBeforeMs, old.certificate.notBeforeMs),
      notAfterMs: Math.min(notAfterMs, old.certificate.notAfterMs),
      publicKey,
      isCa: true,
      keyUsage: ['keyCertSign', 'cRLSign'],
      uriSans: [trustDomain.id],
    },
    old,
  );
}

// Verifiers that look issuers up by name slow down when several share one, so each subject carries
// the serial.
function subjectOf(
  role: 'root' | 'intermediate',
  trustDomain: TrustDomain,
  serial: string,
): readonly NameAttribute[] {
  return [
    { type: 'O', value: trustDomain.name },
    { type: 'CN', value: `Hauberk ${role}` },
    { type: 'serialNumber', value: serial },
  ];
}
