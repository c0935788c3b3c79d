import { type KeyObject, sign, verify } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { type DerReader, TAG } from './der-reader.ts';
import { hex, readBytesBitString } from './der-values.ts';
import { bitString, der, objectIdentifier, sequence } from './der-writer.ts';

/** What certificates and requests have in common: contents, algorithm, signature over the contents. */
export interface SignedData {
  readonly contents: Uint8Array;
  /** The AlgorithmIdentifier's DER. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

interface SignatureAlgorithm {
  readonly name: string;
  readonly der: Uint8Array;
  readonly keyType: 'ec' | 'rsa' | 'ed25519';
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
}

const NULL = der(TAG.null);

function algorithm(
  name: string,
  oid: string,
  { keyType, hash }: Pick<SignatureAlgorithm, 'keyType' | 'hash'>,
): SignatureAlgorithm {
  const parameters = keyType === 'rsa' ? [NULL] : [];
  return { name, der: sequence(objectIdentifier(oid), ...parameters), keyType, hash };
}

const ECDSA_SHA256 = algorithm('ecdsa-with-SHA256', '1.2.840.10045.4.3.2', {
  keyType: 'ec',
  hash: 'sha256',
});
const ECDSA_SHA384 = algorithm('ecdsa-with-SHA384', '1.2.840.10045.4.3.3', {
  keyType: 'ec',
  hash: 'sha384',
});
const RSA_SHA256 = algorithm('sha256WithRSAEncryption', '1.2.840.113549.1.1.11', {
  keyType: 'rsa',
  hash: 'sha256',
});
const ED25519 = algorithm('Ed25519', '1.3.101.112', { keyType: 'ed25519', hash: null });

/** Read, never written. */
const READ_ONLY = [
  algorithm('ecdsa-with-SHA512', '1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }),
  algorithm('sha384WithRSAEncryption', '1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }),
  algorithm('sha512WithRSAEncryption', '1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }),
];

const KNOWN: ReadonlyMap<string, SignatureAlgorithm> = new Map(
  [ECDSA_SHA256, ECDSA_SHA384, RSA_SHA256, ED25519, ...READ_ONLY].map((known) => [
    hex(known.der),
    known,
  ]),
);

/** Reads SEQUENCE { contents, AlgorithmIdentifier, BIT STRING }; `contents` is handed to `read` too. */
export function readSignedData<T>(reader: DerReader, read: (data: SignedData) => T): T {
  return reader.into(TAG.sequence, () => {
    const contents = reader.element();
    const algorithm = reader.element();
    return read({ contents, algorithm, signature: readBytesBitString(reader) });
  });
}

/** Whether `key` made the signature. False also for an algorithm that is not accepted or not the key's. */
export function verifySignedData(data: SignedData, key: KeyObject): boolean {
  const known = KNOWN.get(hex(data.algorithm));
  if (known === undefined || known.keyType !== key.asymmetricKeyType) return false;
  try {
    return verify(known.hash, data.contents, key, data.signature);
  } catch {
    // OpenSSL refuses to compute with such a key or signature: then the key did not make it.
    return false;
  }
}

/** The name of an accepted algorithm, undefined for any other (SHA-1, RSA-PSS, DSA …). */
export function signatureAlgorithmName(algorithmDer: Uint8Array): string | undefined {
  return KNOWN.get(hex(algorithmDer))?.name;
}

/**
 * How a private key signs: SHA-256, for P-384 SHA-384, for Ed25519 its own.
 *
 * @throws {MeshError} ERR_KEY for keys that do not sign here.
 */
export function signatureAlgorithmFor(key: KeyObject): SignatureAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? ECDSA_SHA384 : ECDSA_SHA256;
    case 'rsa':
      return RSA_SHA256;
    case 'ed25519':
      return ED25519;
    default:
      throw new MeshError('ERR_KEY', `a key of type "${key.asymmetricKeyType}" does not sign here`);
  }
}

/** The whole DER: `contents` with their signature. */
export function signData(
  contents: Uint8Array,
  privateKey: KeyObject,
  algorithm: SignatureAlgorithm,
): Uint8Array {
  const signature = sign(algorithm.hash, contents, privateKey);
  // A copy of its own: what the writer gives lies in Node's shared pool.
  return new Uint8Array(sequence(contents, algorithm.der, bitString(signature)));
}
