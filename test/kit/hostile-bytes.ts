import fc from 'fast-check';

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(2_000),
  kind: fc.constantFrom<Change['kind'][]>('flip', 'set', 'delete', 'insert', 'double', 'truncate'),
  value: fc.nat(255),
});

/** One of `originals` with one to four bytes changed, cut out or put in, doubled, or cut off. */
export function mutatedBytes(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      original: fc.constantFrom(...originals),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    })
    .map(({ original, changes }) => Uint8Array.from(changes.reduce(changed, [...original])));
}

interface Change {
  readonly at: number;
  readonly kind: 'flip' | 'set' | 'delete' | 'insert' | 'double' | 'truncate';
  readonly value: number;
}

function changed(bytes: readonly number[], { at, kind, value }: Change): readonly number[] {
  const place = at % Math.max(bytes.length, 1);
  const [before, after] = [bytes.slice(0, place), bytes.slice(place)];
  switch (kind) {
    case 'flip':
      return [...before, (after[0] ?? 0) ^ (1 << (value & 7)), ...after.slice(1)];
    case 'set':
      return [...before, value, ...after.slice(1)];
    case 'delete':
      return [...before, ...after.slice(1 + (value & 7))];
    case 'insert':
      return [...before, value, ...after];
    case 'double':
      return [...before, ...bytes.slice(place >> 1)];
    case 'truncate':
      return before;
  }
}

/** As `mutatedBytes`, of text; bytes that are no UTF-8 become Latin-1 letters. */
export function mutatedText(originals: readonly string[]): fc.Arbitrary<string> {
  const bytes = originals.map((text) => Buffer.from(text, 'latin1'));
  return mutatedBytes(bytes).map((bytes) => Buffer.from(bytes).toString('latin1'));
}

const { element } = fc.letrec<{ element: Uint8Array }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0xa0, 0xa3, 0x86),
      fc.oneof(
        { depthSize: 'medium' },
        fc.uint8Array({ maxLength: 20 }),
        fc.array(tie('element'), { maxLength: 5 }).map((parts) => Buffer.concat(parts)),
      ),
    )
    .map(([tag, body]) => {
      const contents = body.subarray(0, 120);
      return Uint8Array.from([tag, contents.length, ...contents]);
    }),
}));

/** Elements in elements, more like DER than random bytes are. */
export const derLike: fc.Arbitrary<Uint8Array> = element;
