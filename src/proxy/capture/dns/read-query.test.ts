import { encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQuery } from './read-query.ts';

const RECURSION_DESIRED = 0x100;
const question = { name: 'Products.shop', type: 'A', class: 'IN' };
const query = encode({ id: 7, type: 'query', flags: RECURSION_DESIRED, questions: [question] });

/** The query with other bytes at a place. */
function altered(at: number, ...bytes: readonly number[]): Buffer {
  const copy = Buffer.from(query);
  copy.set(bytes, at);
  return copy;
}

describe('readQuery', () => {
  it('reads a question, its case kept', () => {
    expect(readQuery(query)).toEqual({
      query: { ...question, id: 7, recursionDesired: true, maxUdpBytes: 512 },
    });
  });

  it.each([
    ['an answer', altered(2, 0x80), { ignore: 'an answer that nobody asked for' }],
    ['less than a header', query.subarray(0, 11), { ignore: 'shorter than a header' }],
    ['an update of a zone', altered(2, 0x28), { refuse: 'NOTIMP' }],
    ['no question', altered(4, 0, 0), { refuse: 'FORMERR' }],
    ['two questions', altered(4, 0, 2), { refuse: 'FORMERR' }],
    ['a query that brings answers', altered(6, 0, 1), { refuse: 'FORMERR' }],
    ['a name that ends in itself', altered(12, 0xc0, 0x0c), { refuse: 'FORMERR' }],
    ['a label longer than all', altered(12, 0x3f), { refuse: 'FORMERR' }],
    ['more records than there are', altered(10, 0xff, 0xff), { refuse: 'FORMERR' }],
  ])('takes no notice of %s, or refuses it', (_, bytes, expected) => {
    expect(readQuery(bytes)).toEqual(expected);
  });

  it('survives whatever comes', () => {
    const mutated = fc
      .tuple(fc.nat(query.length - 1), fc.uint8Array({ minLength: 1, maxLength: 12 }))
      .map(([at, bytes]) => Buffer.concat([query.subarray(0, at), bytes, query.subarray(at)]));
    const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(mutated, any), (bytes) => {
        const [kind] = Object.keys(readQuery(bytes));
        expect(['query', 'refuse', 'ignore']).toContain(kind);
      }),
      { numRuns: 2_000 },
    );
  });
});
