import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { MeshError } from './errors.ts';

/** Bytes that travel under a passphrase. */
export interface PassphraseBox {
  /** Plain bytes under a passphrase; equal bytes never give equal boxes. */
  seal(plain: Uint8Array, passphrase: string): Promise<Uint8Array>;
  /**
   * @throws {MeshError} ERR_WIRE when it is no such box, ERR_LIMIT when it is too large, ERR_SEAL
   *   when the passphrase is another one or the bytes were altered.
   */
  open(box: Uint8Array, passphrase: string): Promise<Uint8Array>;
}

export interface PassphraseBoxOptions {
  /** The first line of the box, such as `hauberk-backup 1`. */
  readonly format: string;
  /** Of the plain bytes. */
  readonly maxBytes: number;
}

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** 128 MiB and about 0.4 s a guess. Fixed by the format: a box cannot ask its reader for more. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };

const SHORTEST_PASSPHRASE = 12;
const LONGEST_PASSPHRASE = 1_024;

/** scrypt and AES-256-GCM: format line, salt, nonce, sealed bytes, tag; all of it is authenticated. */
export function passphraseBox({ format, maxBytes }: PassphraseBoxOptions): PassphraseBox {
  const magic = Buffer.from(`${format}\n`);
  const headBytes = magic.length + SALT_BYTES + NONCE_BYTES;
  return {
    async seal(plain, passphrase) {
      checkSize(plain.length, maxBytes);
      const head = Buffer.concat([magic, randomBytes(SALT_BYTES + NONCE_BYTES)]);
      const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, head), nonceOf(head));
      cipher.setAAD(head);
      return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    async open(box, passphrase) {
      const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength);
      if (bytes.length < headBytes + TAG_BYTES || !bytes.subarray(0, magic.length).equals(magic)) {
        throw new MeshError('ERR_WIRE', `these ${bytes.length} bytes are not a "${format}" file`);
      }
      checkSize(bytes.length - headBytes - TAG_BYTES, maxBytes);
      const head = bytes.subarray(0, headBytes);
      const decipher = createDecipheriv(
        'aes-256-gcm',
        await keyOf(passphrase, head),
        nonceOf(head),
      );
      decipher.setAAD(head).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(headBytes, -TAG_BYTES)),
          decipher.final(),
        ]);
      } catch (cause) {
        throw new MeshError(
          'ERR_SEAL',
          'it cannot be opened: the passphrase is another one, or the bytes were altered',
          { cause },
        );
      }
    },
  };
}

/** Normalized, so that one keyboard's "é" is another's. */
function keyOf(passphrase: string, head: Buffer): Promise<Buffer> {
  const text = passphrase.normalize('NFC');
  if (text.length < SHORTEST_PASSPHRASE || text.length > LONGEST_PASSPHRASE) {
    throw new MeshError(
      'ERR_USAGE',
      `a passphrase has ${SHORTEST_PASSPHRASE} to ${LONGEST_PASSPHRASE} characters, this one has ${text.length}`,
    );
  }
  const salt = head.subarray(-SALT_BYTES - NONCE_BYTES, -NONCE_BYTES);
  return new Promise((resolve, reject) => {
    scrypt(text, salt, KEY_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function nonceOf(head: Buffer): Buffer {
  return head.subarray(-NONCE_BYTES);
}

function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new MeshError('ERR_LIMIT', `${bytes} bytes are more than the ${maxBytes} that are allowed`);
}
