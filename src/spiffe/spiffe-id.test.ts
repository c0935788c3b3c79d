import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';

const PATH_BYTES = new Set(
  Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_'),
);
const everyByte = Array.from({ length: 256 }, (_, byte) => byte);
const td = TrustDomain.parse('cluster.local');
const refusal = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_SPIFFE_ID', message: expect.stringContaining(problem) });
const longest = `spiffe://td/${'x'.repeat(2048 - 12)}`;

describe('SpiffeId.parse', () => {
  it.each([
    ['spiffe://td', 'td', ''],
    ['spiffe://cluster.local/ns/a/sa/b', 'cluster.local', '/ns/a/sa/b'],
    ['spiffe://1.2.3.4/x', '1.2.3.4', '/x'],
    ['spiffe://td/...', 'td', '/...'],
    ['spiffe://td/.x', 'td', '/.x'],
    ['spiffe://td/..x', 'td', '/..x'],
    ['spiffe://td/x./y..', 'td', '/x./y..'],
    ['spiffe://td/A/a-_.9', 'td', '/A/a-_.9'],
    [longest, 'td', longest.slice(11)],
  ])('accepts %.50s', (text, name, path) => {
    const id = SpiffeId.parse(text);
    expect([id.trustDomain.name, id.path, id.toString()]).toEqual([name, path, text]);
  });

  it.each([
    ['', 'must begin with spiffe://'],
    ['td/x', 'must begin with spiffe://'],
    ['spiffe:/td/x', 'must begin with spiffe://'],
    ['Spiffe://td/x', 'must begin with spiffe://'],
    ['SPIFFE://td/x', 'must begin with spiffe://'],
    [' spiffe://td/x', 'must begin with spiffe://'],
    ['https://td/x', 'must begin with spiffe://'],
    ['spiffe://', 'it is empty'],
    ['spiffe:///', 'may not end with a slash'],
    ['spiffe:///x', 'it is empty'],
    ['spiffe://TD/x', 'lower case'],
    ['spiffe://spiffe://td/x', 'may not be empty'],
    ['spiffe://td:80/x', 'only a to z'],
    ['spiffe://user@td/x', 'only a to z'],
    ['spiffe://user:secret@td/x', 'only a to z'],
    ['spiffe://[::1]/x', 'only a to z'],
    ['spiffe://t%64/x', 'only a to z'],
    ['spiffe://td?q', 'only a to z'],
    ['spiffe://td#f', 'only a to z'],
    [`spiffe://${'x'.repeat(256)}/y`, 'longer than 255 bytes'],
    ['spiffe://td/', 'may not end with a slash'],
    ['spiffe://td/x/', 'may not end with a slash'],
    ['spiffe://td//', 'may not end with a slash'],
    ['spiffe://td//x', 'may not be empty'],
    ['spiffe://td/x//y', 'may not be empty'],
    ['spiffe://td/.', '"." or ".."'],
    ['spiffe://td/..', '"." or ".."'],
    ['spiffe://td/./x', '"." or ".."'],
    ['spiffe://td/x/../y', '"." or ".."'],
    ['spiffe://td/x/..', '"." or ".."'],
    ['spiffe://td/x?q=1', 'a path may hold only'],
    ['spiffe://td/x#f', 'a path may hold only'],
    ['spiffe://td/%61', 'a path may hold only'],
    ['spiffe://td/x y', 'a path may hold only'],
    ['spiffe://td/x\n', 'a path may hold only'],
    ['spiffe://td/x\0', 'a path may hold only'],
    ['spiffe://td/ü', 'a path may hold only'],
    [`${longest}x`, 'longer than 2048 bytes'],
  ])('refuses %.50j: %s', (text, problem) => {
    expect(() => SpiffeId.parse(text)).toThrow(refusal(problem));
  });

  it.each(everyByte)('knows whether byte %d is allowed in a path', (byte) => {
    const text = `spiffe://td/a${String.fromCharCode(byte)}b`;
    if (PATH_BYTES.has(byte) || byte === 0x2f) expect(`${SpiffeId.parse(text)}`).toBe(text);
    else expect(() => SpiffeId.parse(text)).toThrow(refusal('not a SPIFFE ID'));
  });

  it.each(everyByte)('knows whether byte %d is allowed in a trust domain', (byte) => {
    const text = `spiffe://a${String.fromCharCode(byte)}b/x`;
    const allowed = PATH_BYTES.has(byte) && !(byte >= 0x41 && byte <= 0x5a);
    if (allowed || byte === 0x2f) expect(`${SpiffeId.parse(text)}`).toBe(text);
    else expect(() => SpiffeId.parse(text)).toThrow(refusal('not a SPIFFE ID'));
  });

  it('accepts what the grammar makes and gives it back unchanged', () => {
    const segment = fc
      .stringMatching(/^[a-zA-Z0-9._-]{1,20}$/)
      .filter((text) => text !== '.' && text !== '..');
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9._-]{1,60}$/),
        fc.array(segment, { maxLength: 8 }),
        (name, segments) => {
          const text = `spiffe://${name}${segments.map((part) => `/${part}`).join('')}`;
          const id = SpiffeId.parse(text);
          expect(id.toString()).toBe(text);
          expect(id.equals(SpiffeId.parse(text))).toBe(true);
        },
      ),
    );
  });

  it('accepts nothing but what it gives back unchanged', () => {
    const pieces = fc.constantFrom(
      'spiffe://',
      'td',
      '/',
      '.',
      '..',
      'x',
      '%',
      '?',
      '#',
      'A',
      ':',
      '@',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        let id: SpiffeId;
        try {
          id = SpiffeId.parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SPIFFE_ID' });
          return;
        }
        expect(id.toString()).toBe(text);
        expect(new URL(text).href).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('SpiffeId.forServiceAccount', () => {
  it('makes the ID that Istio makes', () => {
    const id = SpiffeId.forServiceAccount(td, 'shop', 'reviews');
    expect(id.toString()).toBe('spiffe://cluster.local/ns/shop/sa/reviews');
    expect(id.workload).toEqual({ namespace: 'shop', serviceAccount: 'reviews' });
    expect(JSON.stringify({ id })).toBe('{"id":"spiffe://cluster.local/ns/shop/sa/reviews"}');
  });

  it.each([
    ['', 'x'],
    ['x', ''],
    ['a/b', 'x'],
    ['x', 'a/sa/b'],
    ['..', 'x'],
    ['x', 'a b'],
    ['x', 'y'.repeat(2_048)],
  ])('refuses the namespace %j with the account %.10j', (namespace, serviceAccount) => {
    expect(() => SpiffeId.forServiceAccount(td, namespace, serviceAccount)).toThrow(
      expect.objectContaining({ code: 'ERR_SPIFFE_ID' }),
    );
  });
});

describe('workload', () => {
  it.each([
    'spiffe://td',
    'spiffe://td/ns/a',
    'spiffe://td/ns/a/sa',
    'spiffe://td/ns/a/sa/b/c',
    'spiffe://td/x/ns/a/sa/b',
    'spiffe://td/sa/b/ns/a',
    'spiffe://td/NS/a/SA/b',
  ])('is not known of %s', (text) => {
    expect(SpiffeId.parse(text).workload).toBeUndefined();
  });
});

describe('equals', () => {
  it.each([
    ['spiffe://td/x', 'spiffe://td/x', true],
    ['spiffe://td/x', 'spiffe://td/X', false],
    ['spiffe://td/x', 'spiffe://other/x', false],
    ['spiffe://td', 'spiffe://td/x', false],
  ])('of %s and %s is %s', (one, other, equal) => {
    expect(SpiffeId.parse(one).equals(SpiffeId.parse(other))).toBe(equal);
  });
});
