import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contextConstructed, contextTag, readDer, TAG } from './der-reader.ts';
import { der, sequence } from './der-writer.ts';
import { altNamesDer, readAltNames } from './general-names.ts';

const uri = (text: string): Uint8Array => der(contextTag(6), Buffer.from(text, 'latin1'));
const read = (written: Uint8Array): unknown => readDer(written, readAltNames);

describe('readAltNames', () => {
  it('sorts names by kind and passes over those without meaning here', () => {
    const written = sequence(
      der(contextTag(1), Buffer.from('a@b')),
      uri('spiffe://td/x'),
      der(contextTag(2), Buffer.from('a.example')),
      der(contextConstructed(4), sequence()),
      der(contextTag(7), Uint8Array.of(10, 0, 0, 1)),
      der(contextTag(8), Uint8Array.of(42)),
      uri('https://y'),
    );
    expect(read(written)).toEqual({
      uriSans: ['spiffe://td/x', 'https://y'],
      dnsSans: ['a.example'],
      ipSans: ['10.0.0.1'],
    });
  });

  it.each([
    ['none at all', sequence(), 'unknown kind'],
    ['an empty name', sequence(uri('')), 'empty'],
    ['a NUL', sequence(uri('spiffe://td/a\0b')), 'unprintable'],
    ['a new line', sequence(uri('spiffe://td/a\nb')), 'unprintable'],
    ['a byte above 7f', sequence(uri('spiffe://td/\xe4')), 'unprintable'],
    ['an address of 5 bytes', sequence(der(contextTag(7), new Uint8Array(5))), '5 bytes'],
    ['an unknown kind', sequence(der(contextTag(9))), 'unknown kind'],
    ['a URI in the wrong form', sequence(der(contextConstructed(6))), 'unknown kind'],
    ['no sequence', der(TAG.set), 'tag'],
  ])('refuses %s', (_, written, problem) => {
    expect(() => read(written)).toThrow(
      expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining(problem) }),
    );
  });
});

describe('altNamesDer', () => {
  it('is read back', () => {
    const visible = fc.stringMatching(/^[\x21-\x7e]{1,60}$/);
    const names = fc.record({
      uriSans: fc.array(visible, { maxLength: 4 }),
      dnsSans: fc.array(visible, { maxLength: 4 }),
      ipSans: fc.array(fc.ipV4(), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(names, (given) => {
        const written = altNamesDer(given);
        if (written === undefined) expect(Object.values(given).flat()).toEqual([]);
        else expect(read(written)).toEqual(given);
      }),
    );
  });

  it.each([
    { uriSans: [''] },
    { uriSans: ['spiffe://td/ä'] },
    { dnsSans: ['a b'] },
    { ipSans: ['10.0.0'] },
    { uriSans: ['x'.repeat(9_000)] },
  ])('does not write %.40j', (names) => {
    expect(() => altNamesDer(names)).toThrow(expect.objectContaining({ code: 'ERR_ISSUANCE' }));
  });
});
