import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePem, encodePem } from './pem.ts';

const refusal = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_DER', message: expect.stringContaining(problem) });

describe('encodePem', () => {
  it('breaks lines after 64 characters', () => {
    expect(encodePem('X', new Uint8Array(49))).toBe(
      `-----BEGIN X-----\n${'A'.repeat(64)}\nAA==\n-----END X-----\n`,
    );
  });

  it('is decoded to the same bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        (blocks) => {
          const text = blocks.map((block) => encodePem('CERTIFICATE', block)).join('');
          expect(decodePem(text, 'CERTIFICATE')).toEqual(blocks);
          expect(decodePem(text.replaceAll('\n', '\r\n'), 'CERTIFICATE')).toEqual(blocks);
        },
      ),
    );
  });
});

describe('decodePem', () => {
  const one = encodePem('CERTIFICATE', Uint8Array.of(1, 2, 3));

  it('passes over text around blocks and blocks of other labels', () => {
    const text = `subject=x\n${encodePem('PRIVATE KEY', Uint8Array.of(9))}issuer=y\n${one}end`;
    expect(decodePem(text, 'CERTIFICATE')).toEqual([Uint8Array.of(1, 2, 3)]);
  });

  it.each([
    ['', 'no PEM block "CERTIFICATE"'],
    ['hello', 'no PEM block "CERTIFICATE"'],
    [encodePem('PRIVATE KEY', Uint8Array.of(9)), 'no PEM block "CERTIFICATE"'],
    ['-----BEGIN CERTIFICATE-----\nAQID\n', 'without its end line'],
    ['-----BEGIN CERTIFICATE-----\nAQID\n-----END X-----', 'without its end line'],
    ['-----BEGIN CERTIFICATE', 'without a label'],
    ['-----BEGIN -----\n-----END -----', 'without a label'],
    ['-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----', 'not base64'],
    ['-----BEGIN CERTIFICATE-----\nAQI\n-----END CERTIFICATE-----', 'not base64'],
    ['-----BEGIN CERTIFICATE-----\nAQ_D\n-----END CERTIFICATE-----', 'not base64'],
    ['-----BEGIN CERTIFICATE-----\nAQ==AQID\n-----END CERTIFICATE-----', 'not base64'],
    ['-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAQID\n-----END CERTIFICATE-----', 'headers'],
  ])('refuses %j', (text, problem) => {
    expect(() => decodePem(text, 'CERTIFICATE')).toThrow(refusal(problem));
  });

  it('takes at most 16 blocks and 256 KiB unless told otherwise', () => {
    expect(decodePem(one.repeat(16), 'CERTIFICATE')).toHaveLength(16);
    expect(() => decodePem(one.repeat(17), 'CERTIFICATE')).toThrow(refusal('more than 16'));
    expect(decodePem(one.repeat(17), 'CERTIFICATE', { maxBlocks: 17 })).toHaveLength(17);
    expect(() => decodePem(`${one}${' '.repeat(262_144)}`, 'CERTIFICATE')).toThrow(
      refusal('262144 bytes'),
    );
    expect(() => decodePem(one, 'CERTIFICATE', { maxBytes: 10 })).toThrow(refusal('10 bytes'));
  });

  it.each([
    ['blocks that are not asked for', encodePem('X', new Uint8Array(1)).repeat(100_000)],
    ['one endless block', `-----BEGIN CERTIFICATE-----\n${'A'.repeat(9_000_000)}`],
    ['small blocks', one.repeat(100_000)],
    ['begin lines', '-----BEGIN CERTIFICATE-----\n'.repeat(300_000)],
    ['text of many bytes a letter', '€'.repeat(100_000)],
  ])('refuses megabytes of %s by their size alone', (_, text) => {
    const startMs = performance.now();
    expect(() => decodePem(text, 'CERTIFICATE')).toThrow(refusal('more than 262144 bytes'));
    expect(performance.now() - startMs).toBeLessThan(100);
  });
});
