import { describe, expect, it } from 'vitest';
import { Flag } from '../frames/http2-codes.ts';
import { HeaderBlocks } from './header-block.ts';

const PADDED = Flag.padded | Flag.endHeaders;

describe('HeaderBlocks', () => {
  it.each([
    [
      [0, 9, 9],
      [9, 9],
    ],
    [[1, 9, 0], [9]],
    [[2, 0, 0], []],
  ])('takes the padding of %j off', (payload, bytes) => {
    const block = new HeaderBlocks().headers(PADDED, 1, Buffer.from(payload));
    expect([...(block?.bytes ?? [])]).toEqual(bytes);
  });

  it.each([[[]], [[3, 0, 0]], [[4, 0, 0]], [[1]]])(
    'refuses %j, which is less than its padding',
    (payload) => {
      expect(() => new HeaderBlocks().headers(PADDED, 1, Buffer.from(payload))).toThrow(
        /padding|shorter/,
      );
    },
  );
});
