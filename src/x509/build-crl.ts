import { createPublicKey, type KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, parseCrl, type RevokedEntry } from './crl.ts';
import { reasonDer } from './crl-reason.ts';
import { contextConstructed, TAG } from './der-reader.ts';
import { timeDer } from './der-time.ts';
import { der, sequence, unsignedInteger } from './der-writer.ts';
import { quoteName } from './describe-certificate.ts';
import {
  authorityKeyIdExtension,
  crlNumberExtension,
  crlReasonExtension,
} from './extension-writer.ts';
import { signatureAlgorithmFor, signData } from './signed-data.ts';
import { keyIdentifier } from './spki.ts';

/** What a revocation list is to say. */
export interface CrlTemplate {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Must grow with each list of an issuer; below 2^48. */
  readonly number: number;
  readonly entries: readonly RevokedEntry[];
}

/** The authority whose certificates are revoked. */
export interface CrlSigner {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

const VERSION_2 = der(TAG.integer, Uint8Array.of(1));

/**
 * Signs a version 2 list with authority key identifier and number, its entries ordered by serial.
 *
 * @throws {MeshError} ERR_ISSUANCE for a certificate that may not sign lists, or one revoked twice;
 *   ERR_KEY for a private key that is not the certificate's.
 */
export function buildCrl(template: CrlTemplate, { certificate, privateKey }: CrlSigner): Crl {
  const { thisUpdateMs, nextUpdateMs, number, entries } = template;
  checkSigner({ certificate, privateKey });
  const sorted = [...entries].sort((one, other) => (one.serial < other.serial ? -1 : 1));
  const twice = sorted.find(({ serial }, at) => serial === sorted[at + 1]?.serial);
  if (twice !== undefined) refuse(`a list that revokes the serial ${twice.serial} twice`);
  const algorithm = signatureAlgorithmFor(privateKey);
  const keyId =
    certificate.subjectKeyId === undefined
      ? keyIdentifier(certificate.spkiDer)
      : Buffer.from(certificate.subjectKeyId, 'hex');
  const contents = sequence(
    VERSION_2,
    algorithm.der,
    certificate.subjectDer,
    timeDer(thisUpdateMs),
    timeDer(nextUpdateMs),
    ...(sorted.length === 0 ? [] : [sequence(Buffer.concat(sorted.map(entryDer)))]),
    der(
      contextConstructed(0),
      sequence(authorityKeyIdExtension(keyId), crlNumberExtension(numberBytes(number))),
    ),
  );
  return parseCrl(signData(contents, privateKey, algorithm));
}

function entryDer({ serial, revokedAtMs, reason }: RevokedEntry): Uint8Array {
  // `unspecified` should be left out (RFC 5280 5.3.1).
  const extensions =
    reason === 'unspecified' ? [] : [sequence(crlReasonExtension(reasonDer(reason)))];
  return sequence(unsignedInteger(Buffer.from(serial, 'hex')), timeDer(revokedAtMs), ...extensions);
}

function numberBytes(number: number): Uint8Array {
  if (!(Number.isSafeInteger(number) && number >= 0 && number < 2 ** 48)) {
    refuse(`a list with the number ${number}`);
  }
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(number, 0, 6);
  return bytes;
}

function checkSigner({ certificate, privateKey }: CrlSigner): void {
  const whose = quoteName(certificate.subject);
  if (!certificate.keyUsage?.has('cRLSign')) {
    refuse(`a list by ${whose}, which lacks the key usage cRLSign,`);
  }
  if (createPublicKey(privateKey).equals(certificate.publicKey)) return;
  throw new MeshError('ERR_KEY', `the private key that is to sign is not the key of ${whose}`);
}

function refuse(what: string): never {
  throw new MeshError('ERR_ISSUANCE', `${what} cannot be issued`);
}
