import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derLike } from '../../test/kit/hostile-bytes.ts';
import { authority, chain, derParsers, mutatedDer } from '../../test/kit/hostile-targets.ts';
import { MeshError } from '../lib/errors.ts';
import { parseCertificate } from './certificate.ts';
import { validatePath } from './path.ts';

function expectMeshErrorOrNothing(parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    parse(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(MeshError);
    expect((error as MeshError).message.length).toBeLessThan(2_000);
  }
}

describe.each(derParsers)('%s', (_, parse) => {
  it('throws only MeshErrors on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
        expectMeshErrorOrNothing(parse, bytes),
      ),
      { numRuns: 500 },
    );
  });

  it('throws only MeshErrors on things like DER', () => {
    fc.assert(
      fc.property(derLike, (bytes) => expectMeshErrorOrNothing(parse, bytes)),
      { numRuns: 500 },
    );
  });

  it('throws only MeshErrors on valid DER that was changed', () => {
    fc.assert(
      fc.property(mutatedDer, (bytes) => expectMeshErrorOrNothing(parse, bytes)),
      { numRuns: 1_500 },
    );
  });
});

describe('time', () => {
  it.each([
    ['64 KiB of open sequences', Buffer.alloc(65_536, Buffer.from('3080', 'hex'))],
    ['64 KiB of nested sequences', nested()],
    [
      '64 KiB of empty elements',
      Buffer.concat([Buffer.from('3083ffff00', 'hex'), Buffer.alloc(65_000)]),
    ],
    ['64 KiB of dashes', Buffer.from('-----BEGIN '.repeat(5_900))],
    ['64 KiB of BEGIN lines', Buffer.from('-----BEGIN CERTIFICATE-----\n'.repeat(2_300))],
  ])('is bounded for %s', (_, bytes) => {
    const startMs = performance.now();
    for (const [, parse] of derParsers) expectMeshErrorOrNothing(parse, bytes);
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

function nested(): Uint8Array {
  const bytes = Buffer.alloc(65_536);
  let at = 0;
  for (let left = bytes.length - 4; left > 0x100; left -= 4, at += 4) {
    bytes.writeUInt16BE(0x3082, at);
    bytes.writeUInt16BE(left, at + 2);
  }
  return bytes;
}

describe('a certificate that was changed', () => {
  it('is never accepted', () => {
    const leaf = chain[0]?.der ?? new Uint8Array();
    fc.assert(
      fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = leaf.slice();
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(() =>
          validatePath({
            leaf: parseCertificate(bytes),
            intermediates: chain.slice(1),
            roots: [authority.root],
            nowMs: Date.now(),
          }),
        ).toThrow(MeshError);
      }),
      { numRuns: 500 },
    );
  });
});
