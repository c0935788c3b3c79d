import { describe, expect, it } from 'vitest';
import { MeshError } from './errors.ts';
import { passphraseBox } from './passphrase-box.ts';

const PASSPHRASE = 'correct horse battery';
const box = passphraseBox({ format: 'test-box 1', maxBytes: 1_000 });
const plain = Buffer.from('the keys of the mesh');
const sealed = await box.seal(plain, PASSPHRASE);

async function codeOf(opening: Promise<unknown>): Promise<string> {
  const error = await opening.then(() => undefined).catch((reason: unknown) => reason);
  return MeshError.is(error) ? error.code : String(error);
}

describe('passphraseBox', () => {
  it('opens what it sealed, shows nothing of it, and never seals twice the same', async () => {
    expect(Buffer.from(await box.open(sealed, PASSPHRASE))).toEqual(plain);
    expect(Buffer.from(sealed).includes(plain.subarray(0, 8))).toBe(false);
    expect(await box.seal(plain, PASSPHRASE)).not.toEqual(sealed);
  });

  it('takes composed and decomposed letters for the same', async () => {
    const composed = await box.seal(plain, 'caf\u00e9 caf\u00e9 caf\u00e9');
    expect(Buffer.from(await box.open(composed, 'cafe\u0301 cafe\u0301 cafe\u0301'))).toEqual(
      plain,
    );
  });

  it.each([
    ['another passphrase', sealed, 'correct horse batterie', 'ERR_SEAL'],
    ['a short passphrase', sealed, 'hunter2', 'ERR_USAGE'],
    ['another format', Buffer.concat([Buffer.from('x'), sealed]), PASSPHRASE, 'ERR_WIRE'],
    ['a later version', Buffer.from(sealed).fill('2', 9, 10), PASSPHRASE, 'ERR_WIRE'],
    ['nothing', new Uint8Array(), PASSPHRASE, 'ERR_WIRE'],
    ['a head alone', sealed.subarray(0, 40), PASSPHRASE, 'ERR_WIRE'],
    ['a cut off end', sealed.subarray(0, -1), PASSPHRASE, 'ERR_SEAL'],
    ['too many bytes', Buffer.concat([sealed, Buffer.alloc(1_000)]), PASSPHRASE, 'ERR_LIMIT'],
  ])('refuses %s', async (_name, bytes, passphrase, code) => {
    expect(await codeOf(box.open(bytes, passphrase))).toBe(code);
  });

  it.each([11, 20, 30, 45, sealed.length - 1])('notices a change at byte %i', async (at) => {
    const altered = Buffer.from(sealed);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(await codeOf(box.open(altered, PASSPHRASE))).toBe('ERR_SEAL');
  });

  it('refuses to seal more than it would open', async () => {
    expect(await codeOf(box.seal(new Uint8Array(1_001), PASSPHRASE))).toBe('ERR_LIMIT');
  });
});
