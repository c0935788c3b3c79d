import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MeshError } from './errors.ts';

const MAGIC = Buffer.from('HBK1');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps bytes secret and unaltered at rest. */
export interface Sealer {
  /** Sealed bytes; `context` (such as the resource's name) must be the same when they are opened. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws {MeshError} ERR_SEAL when the key or context differs or the bytes were altered. */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** AES-256-GCM under a 32 byte master key, a random nonce per value, `context` authenticated. */
export function aesSealer(masterKey: Uint8Array): Sealer {
  if (masterKey.length !== 32) {
    throw new MeshError('ERR_KEY', `a master key has 32 bytes, this one ${masterKey.length}`);
  }
  return {
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([MAGIC, nonce, body, cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (
        bytes.length < MAGIC.length + NONCE_BYTES + TAG_BYTES ||
        !bytes.subarray(0, 4).equals(MAGIC)
      ) {
        throw new MeshError('ERR_SEAL', `the sealed value of ${context} is not in a known format`);
      }
      const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(4, 16));
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(16, -TAG_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new MeshError(
          'ERR_SEAL',
          `the sealed value of ${context} cannot be opened; the master key is not the one it was sealed with, or the database was altered`,
          { cause },
        );
      }
    },
  };
}
