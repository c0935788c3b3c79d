import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from './errors.ts';
import { aesSealer } from './sealer.ts';

const sealer = aesSealer(randomBytes(32));

describe('aesSealer', () => {
  it('opens what it sealed, and nothing of it shows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8 }), fc.string(), (plain, context) => {
        const sealed = sealer.seal(plain, context);
        expect(Buffer.from(sealed).includes(Buffer.from(plain))).toBe(false);
        expect(Buffer.from(sealer.open(sealed, context))).toEqual(Buffer.from(plain));
      }),
    );
  });

  it('refuses when any one byte was altered', () => {
    const sealed = Buffer.from(sealer.seal(Buffer.from('key'), 'a'));
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => sealer.open(altered, 'a')).toThrow(MeshError);
    }
  });

  it('refuses another context, another key and bytes that were never sealed', () => {
    const sealed = sealer.seal(Buffer.from('key'), 'Secret/a');
    expect(() => sealer.open(sealed, 'Secret/b')).toThrow(/cannot be opened/);
    expect(() => aesSealer(randomBytes(32)).open(sealed, 'Secret/a')).toThrow(/master key/);
    expect(() => sealer.open(Buffer.from('{"plain":1}'.repeat(9)), 'x')).toThrow(/known format/);
  });

  it('takes a key of 32 bytes only', () => {
    expect(() => aesSealer(randomBytes(16))).toThrow(/has 32 bytes, this one 16/);
  });
});
