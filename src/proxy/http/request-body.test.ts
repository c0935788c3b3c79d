import { describe, expect, it } from 'vitest';
import { BodyPeek } from './request-body.ts';

const collected = async (
  peek: BodyPeek,
  chunks: readonly string[],
  last: 'end' | 'cut' | 'stop' | undefined,
) => {
  for (const chunk of chunks) peek.content(Buffer.from(chunk));
  if (last !== undefined) peek[last]();
  const body = await peek.result;
  return body && [body.bytes.toString(), body.whole];
};

describe('the beginning of a body', () => {
  it.each<
    [string, number, boolean, readonly string[], 'end' | 'cut' | 'stop' | undefined, unknown]
  >([
    ['a whole one', 10, true, ['ab', 'cd'], 'end', ['abcd', true]],
    ['an empty one', 10, true, [], 'end', ['', true]],
    ['one of just as many bytes', 4, true, ['ab', 'cd'], 'end', ['abcd', true]],
    ['one that is too long, when it is', 4, true, ['ab', 'cde'], undefined, ['abcd', false]],
    ['enough of a long one', 4, false, ['ab', 'cd'], undefined, ['abcd', false]],
    ['more than enough of one', 4, false, ['abcdef'], 'end', ['abcd', false]],
    ['one that breaks off', 10, true, ['ab'], 'cut', undefined],
    ['one that is not waited for', 10, true, ['ab'], 'stop', ['ab', false]],
  ])('is that of %s', async (_what, most, beyond, chunks, last, expected) => {
    expect(await collected(new BodyPeek(most, beyond), chunks, last)).toEqual(expected);
  });

  it('does not change with what was lent', async () => {
    const peek = new BodyPeek(10, true);
    const lent = Buffer.from('abc');
    peek.content(lent);
    lent.fill(0);
    peek.end();
    expect((await peek.result)?.bytes.toString()).toBe('abc');
  });
});
