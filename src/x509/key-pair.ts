import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { checkSpki, exportSpki } from './spki.ts';

/** The kinds of keys that are made here. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa-2048' | 'rsa-4096';

/** Both halves of one key. */
export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new key pair, in memory only. Default `ecdsa-p256`; RSA takes up to seconds. */
export function generateKeyPair(algorithm: KeyAlgorithm = 'ecdsa-p256'): KeyPair {
  switch (algorithm) {
    case 'ecdsa-p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ecdsa-p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa-2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'rsa-4096':
      return generateKeyPairSync('rsa', { modulusLength: 4096 });
  }
}

/** The kind that is like an accepted `key`; for RSA of another size, the next larger one. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  if (key.asymmetricKeyType === 'rsa') return modulusLength > 2048 ? 'rsa-4096' : 'rsa-2048';
  return namedCurve === 'secp384r1' ? 'ecdsa-p384' : 'ecdsa-p256';
}

/**
 * Accepts P-256, P-384, Ed25519, and RSA of 2048 to 8192 bits with an odd exponent from 3 to 2^32.
 *
 * @throws {MeshError} ERR_KEY with the rule.
 */
export function checkPublicKey(key: KeyObject): void {
  if (key.type !== 'public')
    throw new MeshError('ERR_KEY', `this is a ${key.type} key, not a public one`);
  checkSpki(exportSpki(key));
}
