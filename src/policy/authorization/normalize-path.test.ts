import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathNormalization } from '../mesh-settings.ts';
import { normalizeTarget } from './normalize-path.ts';

function pathOf(target: string, how: PathNormalization): string {
  const normalized = normalizeTarget(target, how);
  return 'problem' in normalized ? `refused: ${normalized.problem}` : normalized.path;
}

describe('normalizeTarget', () => {
  it.each<[string, string, string, string, string]>([
    ['/a/b', '/a/b', '/a/b', '/a/b', '/a/b'],
    ['/a//b', '/a//b', '/a//b', '/a/b', '/a/b'],
    ['/a/../b', '/a/../b', '/b', '/b', '/b'],
    ['/a/./b', '/a/./b', '/a/b', '/a/b', '/a/b'],
    ['/a/..', '/a/..', '/', '/', '/'],
    ['/../../a', '/../../a', '/a', '/a', '/a'],
    ['/a/%2e%2E/b', '/a/%2e%2E/b', '/b', '/b', '/b'],
    ['/a\\b', '/a\\b', '/a/b', '/a/b', '/a/b'],
    ['/a\\..\\b', '/a\\..\\b', '/b', '/b', '/b'],
    ['/%61%5a%30%2d%5f%7e', '/%61%5a%30%2d%5f%7e', '/aZ0-_~', '/aZ0-_~', '/aZ0-_~'],
    ['/a%2fb', '/a%2fb', '/a%2fb', '/a%2fb', '/a/b'],
    ['/a%5Cb', '/a%5Cb', '/a%5Cb', '/a%5Cb', '/a/b'],
    ['/a%2f%2e%2e%2fb', '/a%2f%2e%2e%2fb', '/a%2f..%2fb', '/a%2f..%2fb', '/b'],
    ['/a%252e', '/a%252e', '/a%252e', '/a%252e', '/a%252e'],
    ['/%C3%A9', '/%C3%A9', '/%C3%A9', '/%C3%A9', '/%C3%A9'],
    ['/A/b', '/A/b', '/A/b', '/A/b', '/A/b'],
    ['/a#b', '/a', '/a', '/a', '/a'],
  ])('%s', (target, none, base, merged, decoded) => {
    expect(pathOf(target, 'NONE')).toBe(none);
    expect(pathOf(target, 'BASE')).toBe(base);
    expect(pathOf(target, 'DEFAULT')).toBe(base);
    expect(pathOf(target, 'MERGE_SLASHES')).toBe(merged);
    expect(pathOf(target, 'DECODE_AND_MERGE_SLASHES')).toBe(decoded);
  });

  it.each(['/a%00', '/%c0%ae%c0%ae/admin', '/%e0%80%af', '/%%32e', '/%2%35', '/%zz', '/a%'])(
    'refuses %s',
    (target) => {
      expect(pathOf(target, 'BASE')).toMatch(/^refused/);
    },
  );

  it('leaves the query as it is', () => {
    expect(normalizeTarget('/a/../b?x=/../%2e', 'BASE')).toEqual({
      path: '/b',
      query: 'x=/../%2e',
    });
  });

  it('changes nothing in what it has changed', () => {
    const piece = fc.constantFrom(...('/./..\\%2e%2E%2f%5c%41a;%25%3f=~-'.match(/%..|./g) ?? []));
    const target = fc.array(piece, { maxLength: 20 }).map((parts) => `/${parts.join('')}`);
    const how = fc.constantFrom<PathNormalization>(
      'BASE',
      'MERGE_SLASHES',
      'DECODE_AND_MERGE_SLASHES',
    );
    fc.assert(
      fc.property(target, how, (text, way) => {
        const once = normalizeTarget(text, way);
        if ('problem' in once) return;
        expect(pathOf(once.path, way)).toBe(once.path);
        expect(once.path.split('/')).not.toContain('..');
        expect(once.path.split('/')).not.toContain('.');
      }),
      { numRuns: 2_000 },
    );
  });
});
