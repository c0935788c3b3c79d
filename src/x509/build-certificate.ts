import { createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { contextConstructed, TAG } from './der-reader.ts';
import { timeDer } from './der-time.ts';
import { der, sequence, unsignedInteger } from './der-writer.ts';
import { quoteName } from './describe-certificate.ts';
import { type NameAttribute, nameDer } from './distinguished-name.ts';
import {
  altNamesExtension,
  authorityKeyIdExtension,
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  subjectKeyIdExtension,
} from './extension-writer.ts';
import type { KeyUsage } from './extensions.ts';
import { type AltNames, altNamesDer } from './general-names.ts';
import { signatureAlgorithmFor, signData } from './signed-data.ts';
import { checkSpki, exportSpki, keyIdentifier } from './spki.ts';

/** What a certificate is to say. */
export interface CertificateTemplate extends Partial<AltNames> {
  /** Unsigned big-endian, positive, at most 20 bytes and below 2^159 (RFC 5280 4.1.2.2). */
  readonly serial: Uint8Array;
  /** May be empty for a leaf with alternative names, which are critical then. */
  readonly subject: readonly NameAttribute[];
  /** Parts of a second are dropped. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: KeyObject;
  readonly isCa: boolean;
  /** How many CAs may follow below; 0 to 99. Default no limit. */
  readonly pathLength?: number;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage?: readonly ('serverAuth' | 'clientAuth')[];
}

/** Who signs. */
export interface CertificateSigner {
  /** Of the issuer; undefined for a self-signed certificate. */
  readonly certificate: Certificate | undefined;
  readonly privateKey: KeyObject;
}

/**
 * Signs a certificate of version 3 with subject and authority key identifiers, basic constraints
 * and key usage, the latter two critical. Whether the signer may issue it is the caller's question.
 *
 * @throws {MeshError} ERR_ISSUANCE when the template breaks RFC 5280; ERR_KEY for a key that is not
 * accepted, or a private key that is not the signer certificate's.
 */
export function buildCertificate(
  template: CertificateTemplate,
  signer: CertificateSigner,
): Certificate {
  checkTemplate(template);
  const spkiDer = exportSpki(template.publicKey);
  checkSpki(spkiDer);
  checkSigner(template, signer);
  const algorithm = signatureAlgorithmFor(signer.privateKey);
  const subjectDer = nameDer(template.subject);
  const contents = sequence(
    VERSION_3,
    unsignedInteger(template.serial),
    algorithm.der,
    signer.certificate?.subjectDer ?? subjectDer,
    sequence(timeDer(template.notBeforeMs), timeDer(template.notAfterMs)),
    subjectDer,
    spkiDer,
    der(contextConstructed(3), sequence(...extensions(template, signer, spkiDer))),
  );
  return parseCertificate(signData(contents, signer.privateKey, algorithm));
}

const VERSION_3 = der(contextConstructed(0), der(TAG.integer, Uint8Array.of(2)));

function extensions(
  template: CertificateTemplate,
  signer: CertificateSigner,
  spkiDer: Uint8Array,
): Uint8Array[] {
  const { isCa, pathLength, keyUsage, extendedKeyUsage = [], subject } = template;
  const keyId = keyIdentifier(spkiDer);
  const altNames = altNamesDer(template);
  const written = [
    basicConstraintsExtension(isCa, pathLength),
    keyUsageExtension(keyUsage),
    subjectKeyIdExtension(keyId),
    authorityKeyIdExtension(issuerKeyId(signer) ?? keyId),
  ];
  if (extendedKeyUsage.length > 0) written.push(extendedKeyUsageExtension(extendedKeyUsage));
  if (altNames !== undefined) written.push(altNamesExtension(altNames, subject.length === 0));
  else if (subject.length === 0) refuse('neither a subject nor an alternative name');
  return written;
}

/** Undefined for a self-signed certificate, whose issuer is itself. */
function issuerKeyId({ certificate }: CertificateSigner): Uint8Array | undefined {
  if (certificate === undefined) return undefined;
  return certificate.subjectKeyId === undefined
    ? keyIdentifier(certificate.spkiDer)
    : Buffer.from(certificate.subjectKeyId, 'hex');
}

function checkTemplate(template: CertificateTemplate): void {
  const { serial, notBeforeMs, notAfterMs, isCa, pathLength, subject, keyUsage } = template;
  const first = serial.findIndex((byte) => byte !== 0);
  if (first === -1) refuse('a serial number of zero');
  const bits = 8 * (serial.length - first) + 24 - Math.clz32(serial[first] ?? 0);
  if (bits > MAX_SERIAL_BITS) {
    refuse(`a serial number of ${bits} bits, more than ${MAX_SERIAL_BITS},`);
  }
  if (!(notBeforeMs <= notAfterMs)) refuse('a certificate that ends before it begins');
  if (!(notBeforeMs >= FIRST_MS && notAfterMs <= LAST_MS)) refuse('a time outside 1950 to 9999');
  if (pathLength !== undefined && !(isCa && PATH_LENGTHS.test(String(pathLength)))) {
    refuse(`a path length of ${pathLength}`);
  }
  if (keyUsage.length === 0) refuse('a certificate without key usage');
  if (isCa && subject.length === 0) refuse('a CA without a subject name');
}

/** 20 bytes without the sign bit. */
const MAX_SERIAL_BITS = 159;
const PATH_LENGTHS = /^\d{1,2}$/;
const FIRST_MS = Date.UTC(1950, 0, 1);
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function refuse(what: string): never {
  throw new MeshError('ERR_ISSUANCE', `${what} cannot be issued`);
}

const checkedSigners = new WeakMap<KeyObject, KeyObject>();

/** That the private key is the issuer's: remembered, since one signer issues many certificates. */
function checkSigner(template: CertificateTemplate, signer: CertificateSigner): void {
  const { certificate, privateKey } = signer;
  const expected = certificate?.publicKey ?? template.publicKey;
  if (checkedSigners.get(privateKey) === expected) return;
  if (privateKey.type !== 'private' || !createPublicKey(privateKey).equals(expected)) {
    const whose =
      certificate === undefined ? 'the self-signed certificate' : quoteName(certificate.subject);
    throw new MeshError('ERR_KEY', `the private key that is to sign is not the key of ${whose}`);
  }
  checkedSigners.set(privateKey, expected);
}
