import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyWildcardMatch, globMatch } from './wildcard-match.ts';

/** Text of few letters, so that patterns often fit. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe('anyWildcardMatch', () => {
  it.each<[readonly string[], string, boolean]>([
    [['*'], 'a', true],
    [['*'], '', false],
    [['abc'], 'abc', true],
    [['abc'], 'ab', false],
    [['ab*'], 'abc', true],
    [['ab*'], 'ab', true],
    [['ab*'], 'xab', false],
    [['*bc'], 'abc', true],
    [['*bc'], 'bc', true],
    [['*bc'], 'bcd', false],
    [['*abc*'], 'xabc*', true],
    [['*abc*'], 'xabcx', false],
    [['a*b'], 'a*b', true],
    [['a*b'], 'axb', false],
    [['**'], '*', true],
    [['**'], 'a', false],
    [[''], '', true],
    [['x', 'y*', '*z'], 'az', true],
    [[], '', false],
  ])('%j matches "%s": %s', (values, candidate, expected) => {
    expect(anyWildcardMatch(values)(candidate)).toBe(expected);
  });
});

describe('globMatch', () => {
  it.each<[string, string, boolean]>([
    ['', '', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['a*b', 'ab', true],
    ['a*b', 'axxb', true],
    ['ab*ba', 'aba', false],
    ['*a*b*', 'xaxbx', true],
    ['*a*b*', 'ba', false],
    ['*aa*aa', 'aaa', false],
  ])('"%s" matches "%s": %s', (pattern, candidate, expected) => {
    expect(globMatch(pattern)(candidate)).toBe(expected);
  });

  it('agrees with the regular expression that it stands for', () => {
    fc.assert(
      fc.property(text, text, (pattern, candidate) => {
        const regex = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);
        expect(globMatch(pattern)(candidate)).toBe(regex.test(candidate));
      }),
    );
  });

  it('is done at once with a pattern that would hold up a backtracking matcher', () => {
    const matches = globMatch(`${'*a'.repeat(2_000)}b`);
    expect(matches('a'.repeat(200_000))).toBe(false);
  }, 1_000);
});
