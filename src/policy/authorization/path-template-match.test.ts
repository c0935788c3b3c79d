import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathTemplateMatch } from './path-template-match.ts';

describe('a path template', () => {
  it.each<[string, string, boolean]>([
    ['/a/{*}', '/a/b', true],
    ['/a/{*}', '/a/', false],
    ['/a/{*}', '/a', false],
    ['/a/{*}', '/a/b/c', false],
    ['/a/{*}/c', '/a/b/c', true],
    ['/a/{*}/c', '/a//c', false],
    ['/a/{*}/c', '/a/b/d', false],
    ['/{*}/{*}', '/a/b', true],
    ['/{*}/{*}', '/a', false],
    ['/a/{**}', '/a/', true],
    ['/a/{**}', '/a/b/c', true],
    ['/a/{**}', '/a', false],
    ['/{**}', '/', true],
    ['{**}', '', true],
    ['/store/{**}/cart', '/store//cart', true],
    ['/store/{**}/cart', '/store/a/b/cart', true],
    ['/store/{**}/cart', '/store/cart', false],
    ['/store/{**}/cart', '/store/a/cart/b', false],
    ['/store/{*}/{**}/cart', '/store/a/b/c/cart', true],
    ['/a.b/{*}', '/aXb/c', false],
    ['/a/{*}', '/a/b c', false],
    ['/a/{*}', '/a/%20=@', true],
    ['/a/{**}', '/a/b|c', false],
  ])('%s of %s', (template, path, expected) => {
    expect(pathTemplateMatch(template)(path)).toBe(expected);
  });

  it('agrees with one that goes segment by segment', () => {
    const segment = fc.constantFrom('a', 'b', '{*}');
    const templates = fc.array(segment, { minLength: 1, maxLength: 4 });
    const paths = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(templates, paths, (template, path) => {
        const expected =
          template.length === path.length &&
          template.every((each, index) =>
            each === '{*}' ? path[index] !== '' : each === path[index],
          );
        fc.pre(template.includes('{*}'));
        expect(pathTemplateMatch(`/${template.join('/')}`)(`/${path.join('/')}`)).toBe(expected);
      }),
    );
  });
});
