import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDer, TAG } from './der-reader.ts';
import { readTime, timeDer } from './der-time.ts';
import { der } from './der-writer.ts';

const FIRST_MS = Date.UTC(1950, 0, 1);
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

const utc = (text: string): Uint8Array => der(TAG.utcTime, Buffer.from(text));
const generalized = (text: string): Uint8Array => der(TAG.generalizedTime, Buffer.from(text));

describe('readTime', () => {
  it.each([
    [utc('500101000000Z'), '1950-01-01T00:00:00Z'],
    [utc('991231235959Z'), '1999-12-31T23:59:59Z'],
    [utc('000101000000Z'), '2000-01-01T00:00:00Z'],
    [utc('491231235959Z'), '2049-12-31T23:59:59Z'],
    [utc('240229120000Z'), '2024-02-29T12:00:00Z'],
    [generalized('20500101000000Z'), '2050-01-01T00:00:00Z'],
    [generalized('20200101000000Z'), '2020-01-01T00:00:00Z'],
    [generalized('99991231235959Z'), '9999-12-31T23:59:59Z'],
  ])('reads %s as %s', (written, iso) => {
    expect(readDer(written, readTime)).toBe(Date.parse(iso));
  });

  it.each([
    utc(''),
    utc('2401010000Z'),
    utc('240101000000'),
    utc('240101000000+0100'),
    utc('240101000000.5Z'),
    utc('20240101000000Z'),
    utc('240001000000Z'),
    utc('241301000000Z'),
    utc('240100000000Z'),
    utc('240132000000Z'),
    utc('230229000000Z'),
    utc('240431000000Z'),
    utc('240101240000Z'),
    utc('240101006000Z'),
    utc('240101000060Z'),
    utc(' 40101000000Z'),
    utc('24010100000\u0660Z'),
    utc('9'.repeat(100)),
    generalized('240101000000Z'),
    generalized('19491231235959Z'),
    generalized('00000101000000Z'),
    generalized('20500101000000.123Z'),
  ])('refuses %s', (written) => {
    expect(() => readDer(written, readTime)).toThrow(
      expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining('not a time') }),
    );
  });
});

describe('timeDer', () => {
  it('is read back to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST_MS, max: LAST_MS }), (atMs) => {
        expect(readDer(timeDer(atMs), readTime)).toBe(Math.floor(atMs / 1_000) * 1_000);
      }),
    );
  });

  it('changes to GeneralizedTime in 2050', () => {
    expect(timeDer(Date.UTC(2050, 0, 1) - 1)[0]).toBe(TAG.utcTime);
    expect(timeDer(Date.UTC(2050, 0, 1))[0]).toBe(TAG.generalizedTime);
  });

  it.each([FIRST_MS - 1, LAST_MS + 1_000, Number.NaN, Number.POSITIVE_INFINITY])(
    'does not write %d',
    (atMs) => {
      expect(() => timeDer(atMs)).toThrow(RangeError);
    },
  );
});
