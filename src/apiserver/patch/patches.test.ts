import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

describe('a merge patch', () => {
  // RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('turns %j with %j into %j', (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected);
  });

  it('reaches no prototype', () => {
    const patch = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    );
    const merged = mergePatch({ a: 1 }, patch) as object;
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });

  it('done twice is done once', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (a, b) => {
          const once = mergePatch(a as never, b as never);
          expect(mergePatch(once, b as never)).toEqual(once);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a JSON patch', () => {
  it('applies in order, and leaves its target alone', () => {
    const target = { spec: { list: [1, 2] } };
    const patch = [
      { op: 'test', path: '/spec/list/0', value: 1 },
      { op: 'remove', path: '/spec/list/0' },
      { op: 'add', path: '/spec/list/-', value: 3 },
    ];
    expect(applyJsonPatch(target, patch)).toEqual({ spec: { list: [2, 3] } });
    expect(target).toEqual({ spec: { list: [1, 2] } });
  });

  it.each([
    [[{ op: 'test', path: '/a', value: 2 }], 422],
    [[{ op: 'replace', path: '/none', value: 2 }], 422],
    [[{ op: 'add', path: '/__proto__/x', value: 2 }], 400],
    [[{ op: 'add', path: '/constructor/prototype/x', value: 2 }], 400],
    [[{ op: 'copy', from: '/__proto__', path: '/a' }], 400],
    [[{ op: 'explode', path: '/a' }], 400],
    [[{ op: 'remove' }], 400],
    ['no list', 400],
    [[{ op: 'replace', path: '', value: 1 }], 422],
    [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 413],
  ])('refuses %j', (patch, code) => {
    try {
      applyJsonPatch({ a: 1 }, patch as never);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ status: { code } });
    }
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('does not grow without bound', () => {
    const doubling = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
    expect(() => applyJsonPatch({ a: ['x'.repeat(1_000)] }, doubling)).toThrow(/copy operations/);
  });
});

describe('a strategic merge patch', () => {
  const ports = {
    type: 'array',
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': 'port',
    items: { type: 'object', properties: { port: {}, name: {} } },
  };
  const schema = {
    type: 'object',
    properties: {
      ports,
      finalizers: {
        type: 'array',
        'x-kubernetes-patch-strategy': 'merge',
        items: { type: 'string' },
      },
      plain: { type: 'array', items: { type: 'object' } },
      union: { type: 'object', properties: { type: {}, a: {}, b: {} } },
    },
  };
  const target = {
    ports: [{ port: 1, name: 'a' }, { port: 2 }],
    finalizers: ['x'],
    plain: [{ q: 1 }],
  };

  it.each([
    [
      { ports: [{ port: 2, name: 'b' }] },
      {
        ports: [
          { port: 1, name: 'a' },
          { port: 2, name: 'b' },
        ],
      },
    ],
    [{ ports: [{ $patch: 'delete', port: 1 }] }, { ports: [{ port: 2 }] }],
    [{ ports: [{ $patch: 'replace' }, { port: 9 }] }, { ports: [{ port: 9 }] }],
    [
      { '$setElementOrder/ports': [{ port: 2 }, { port: 3 }, { port: 1 }], ports: [{ port: 3 }] },
      { ports: [{ port: 2 }, { port: 3 }, { port: 1, name: 'a' }] },
    ],
    [{ finalizers: ['y', 'x'] }, { finalizers: ['x', 'y'] }],
    [{ '$deleteFromPrimitiveList/finalizers': ['x'] }, { finalizers: [] }],
    [{ plain: [{ r: 2 }] }, { plain: [{ r: 2 }] }],
    [{ ports: null }, { ports: undefined }],
  ])('reads %j', (patch, expected) => {
    expect(strategicMerge(target, patch as never, schema)).toEqual({ ...target, ...expected });
  });

  it('keeps of a union what is to be retained', () => {
    const before = { union: { type: 'a', a: 1 } };
    const patch = { union: { $retainKeys: ['type', 'b'], type: 'b', b: 2 } };
    expect(strategicMerge(before, patch, schema)).toEqual({ union: { type: 'b', b: 2 } });
  });

  it('refuses an item without its key and a directive that is none', () => {
    expect(() => strategicMerge(target, { ports: [{ name: 'x' }] }, schema)).toThrow(
      /merge key: port/,
    );
    expect(() => strategicMerge(target, { $patch: 'explode' }, schema)).toThrow(/\$patch/);
  });
});
