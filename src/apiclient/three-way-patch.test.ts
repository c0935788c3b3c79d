import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ThreeStates, threeWayPatch } from './three-way-patch.ts';

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isTree = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result = new Map(Object.entries(isTree ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key), value));
  }
  return Object.fromEntries(result);
}

describe('threeWayPatch', () => {
  it('changes what differs, takes away what is wanted no more, leaves what others set', () => {
    const states = {
      original: { spec: { a: 1, b: 2 } },
      modified: { spec: { a: 3 } },
      current: { spec: { a: 1, b: 2, other: 'x' }, status: {} },
    };
    expect(threeWayPatch(states)).toEqual({ spec: { a: 3, b: null } });
  });

  it('has nothing to say when all is as wanted', () => {
    const current = { spec: { list: [{ a: 1 }], other: true } };
    expect(
      threeWayPatch({ original: undefined, modified: { spec: { list: [{ a: 1 }] } }, current }),
    ).toBeUndefined();
  });

  it('takes nothing away that is gone already, or that nobody applied', () => {
    const current = { spec: { others: 1 } };
    const modified = { spec: {} };
    expect(threeWayPatch({ original: { spec: { gone: 1 } }, modified, current })).toBeUndefined();
    expect(threeWayPatch({ original: undefined, modified, current })).toBeUndefined();
  });

  it('replaces a list whole, unless its items have a key', () => {
    const states: ThreeStates = {
      original: { ports: [{ port: 80 }, { port: 443 }] },
      modified: { ports: [{ port: 80, name: 'web' }, { port: 81 }] },
      current: { ports: [{ port: 80, protocol: 'TCP' }, { port: 443 }, { port: 9 }] },
    };
    expect(threeWayPatch(states)).toEqual({ ports: [{ port: 80, name: 'web' }, { port: 81 }] });
    const byPort = (path: readonly string[]) => (path.join('.') === 'ports' ? 'port' : undefined);
    expect(threeWayPatch(states, byPort)).toEqual({
      ports: [{ port: 80, name: 'web' }, { port: 81 }, { $patch: 'delete', port: 443 }],
    });
  });

  it('takes __proto__ for a field like any other', () => {
    const modified = JSON.parse('{"__proto__":{"polluted":1}}');
    threeWayPatch({ original: modified, modified, current: {} });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  // Objects without nulls, which mean absence in a merge patch.
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(1, 2, 'x', true),
      fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  })).object as fc.Arbitrary<Record<string, unknown>>;

  it('makes the same object as wanted of what was applied before, whatever that was', () => {
    fc.assert(
      fc.property(tree, tree, (before, wanted) => {
        const states = { original: before, modified: wanted, current: before };
        expect(merged(before, threeWayPatch(states) ?? {})).toEqual(wanted);
      }),
    );
  });

  it('has nothing left to do after it was done', () => {
    fc.assert(
      fc.property(tree, tree, tree, (original, modified, current) => {
        const after = merged(current, threeWayPatch({ original, modified, current }) ?? {});
        expect(threeWayPatch({ original: modified, modified, current: after })).toBeUndefined();
      }),
    );
  });
});
