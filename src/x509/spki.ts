import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { MeshError, messageOf } from '../lib/errors.ts';
import { type DerReader, readDer, TAG } from './der-reader.ts';
import {
  hex,
  latin1,
  readBytesBitString,
  readInteger,
  readObjectIdentifier,
} from './der-values.ts';
import { OID } from './oids.ts';

/** Bytes of a point: 04, X and Y. Compressed points are refused (RFC 5480 2.2 makes them optional). */
const POINT_BYTES: Readonly<Record<string, number>> = { [OID.p256]: 65, [OID.p384]: 97 };
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const MAX_RSA_EXPONENT = 2 ** 32;

const spkiOf = new WeakMap<KeyObject, Uint8Array>();

/**
 * The key of a SubjectPublicKeyInfo.
 *
 * @throws {MeshError} ERR_KEY when it is not P-256, P-384, Ed25519 or RSA of 2048 to 8192 bits, or
 * is no valid key at all.
 */
export function importSpki(spkiDer: Uint8Array): KeyObject {
  checkSpki(spkiDer);
  try {
    const key = createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
    spkiOf.set(key, spkiDer);
    return key;
  } catch (cause) {
    throw new MeshError('ERR_KEY', `a public key cannot be used: ${messageOf(cause)}`, { cause });
  }
}

const MAX_SHARED = 128;
const shared = new Map<string, KeyObject>();

/**
 * As `importSpki`, keeping the last 128 keys: authorities come back with every handshake, and a key
 * that OpenSSL has seen before verifies in half the time.
 */
export function importSharedSpki(spkiDer: Uint8Array): KeyObject {
  const name = latin1(spkiDer);
  const known = shared.get(name);
  if (known !== undefined) return known;
  const key = importSpki(spkiDer);
  const [oldest] = shared.keys();
  if (shared.size >= MAX_SHARED && oldest !== undefined) shared.delete(oldest);
  shared.set(name, key);
  return key;
}

/** The SubjectPublicKeyInfo of a key. OpenSSL takes 60 us for it, so it is remembered by key. */
export function exportSpki(key: KeyObject): Uint8Array {
  const known = spkiOf.get(key);
  if (known !== undefined) return known;
  const spkiDer = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  spkiOf.set(key, spkiDer);
  return spkiDer;
}

/** The first 160 bits of SHA-256 over the key's bits (RFC 7093 method 1). */
export function keyIdentifier(spkiDer: Uint8Array): Uint8Array {
  const bits = readDer(spkiDer, (reader) =>
    reader.into(TAG.sequence, () => {
      reader.element();
      return readBytesBitString(reader);
    }),
  );
  return hash('sha256', bits, 'buffer').subarray(0, 20);
}

/**
 * Checks a SubjectPublicKeyInfo by its bytes, without the cost of an import; whether a point is on
 * its curve only the import finds out.
 *
 * @throws {MeshError} ERR_KEY with the rule.
 */
export function checkSpki(spkiDer: Uint8Array): void {
  try {
    readDer(spkiDer, (reader) => reader.into(TAG.sequence, () => checkKey(reader)));
  } catch (error) {
    if (!MeshError.is(error, 'ERR_DER')) throw error;
    refuse(`is malformed: ${error.message}`);
  }
}

function checkKey(reader: DerReader): void {
  const { algorithm, curve } = reader.into(TAG.sequence, () => readAlgorithm(reader));
  const bits = readBytesBitString(reader);
  switch (algorithm) {
    case OID.ecPublicKey:
      checkPoint(curve, bits);
      break;
    case OID.ed25519:
      if (bits.length !== 32) refuse(`is an Ed25519 key of ${bits.length} bytes`);
      break;
    case OID.rsaEncryption:
      readDer(bits, checkRsa);
      break;
    default:
      refuse(`has the algorithm ${algorithm}`);
  }
}

function readAlgorithm(reader: DerReader): { algorithm: string; curve: string | undefined } {
  const algorithm = readObjectIdentifier(reader);
  let curve: string | undefined;
  if (algorithm === OID.ecPublicKey && reader.peek() === TAG.objectIdentifier) {
    curve = readObjectIdentifier(reader);
  } else if (algorithm === OID.rsaEncryption) {
    reader.into(TAG.null, () => {});
  } else {
    // Parameters of an algorithm that is refused in the next step.
    while (algorithm !== OID.ed25519 && reader.more) reader.element();
  }
  return { algorithm, curve };
}

function checkPoint(curve: string | undefined, bits: Uint8Array): void {
  const bytes = curve === undefined ? undefined : POINT_BYTES[curve];
  if (bytes === undefined) refuse(`is on the curve ${curve ?? 'that its parameters describe'}`);
  if (bits.length !== bytes || bits[0] !== 4) refuse('is not an uncompressed point of its curve');
}

function checkRsa(reader: DerReader): void {
  reader.into(TAG.sequence, () => {
    const modulus = hex(readInteger(reader)).replace(/^00/, '');
    const exponent = Number.parseInt(hex(readInteger(reader)), 16);
    const bits = modulus.length * 4 - Math.clz32(Number.parseInt(modulus.slice(0, 2), 16)) + 24;
    if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) refuse(`is an RSA key of ${bits} bits`);
    if (exponent < 3 || exponent > MAX_RSA_EXPONENT || exponent % 2 === 0) {
      refuse(`is an RSA key with the exponent ${exponent}`);
    }
  });
}

function refuse(what: string): never {
  throw new MeshError(
    'ERR_KEY',
    `the public key ${what}; use ECDSA P-256 or P-384, Ed25519, or RSA of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`,
  );
}
