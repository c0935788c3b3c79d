import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../bodies/json-object.ts';
import { leavesOf } from './field-tree.ts';
import { decodeFieldsV1, encodeFieldsV1 } from './fields-v1.ts';
import { afterUpdate, compareLeaves, encodeEntries, managedEntries } from './managed-fields.ts';
import { serverSideApply } from './server-side-apply.ts';

const schema = {
  type: 'object',
  properties: {
    metadata: {
      type: 'object',
      properties: { labels: { type: 'object', additionalProperties: { type: 'string' } } },
    },
    spec: {
      type: 'object',
      properties: {
        a: { type: 'string' },
        nested: { type: 'object', properties: { b: {}, c: {} } },
        atomic: { type: 'array', items: {} },
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: {
            type: 'object',
            properties: {
              port: {},
              protocol: { type: 'string', default: 'TCP' },
              name: {},
              target: {},
            },
          },
        },
      },
    },
  },
};

function apply(
  live: JsonObject | undefined,
  manager: string,
  spec: unknown,
  force = false,
): JsonObject {
  const config = { apiVersion: 'g/v1', kind: 'T', metadata: { name: 'x' }, spec } as JsonObject;
  const { object, entries } = serverSideApply({
    live,
    config,
    schema,
    writer: {
      manager,
      operation: 'Apply',
      apiVersion: 'g/v1',
      subresource: '',
      time: '2026-01-01T00:00:00Z',
    },
    force,
  });
  return {
    ...object,
    metadata: { ...(object['metadata'] as JsonObject), managedFields: encodeEntries(entries) },
  };
}

function update(live: JsonObject, manager: string, spec: unknown): JsonObject {
  const next = { ...live, spec } as JsonObject;
  const changes = compareLeaves(leavesOf(live, schema), leavesOf(next, schema));
  const writer = {
    manager,
    operation: 'Update' as const,
    apiVersion: 'g/v1',
    subresource: '',
    time: '2026-01-02T00:00:00Z',
  };
  const entries = afterUpdate(managedEntries(live), writer, changes);
  return {
    ...next,
    metadata: { ...(live['metadata'] as JsonObject), managedFields: encodeEntries(entries) },
  };
}

function managers(object: JsonObject): Record<string, unknown> {
  const { managedFields } = object['metadata'] as {
    managedFields: { manager: string; fieldsV1: unknown }[];
  };
  return Object.fromEntries(managedFields.map(({ manager, fieldsV1 }) => [manager, fieldsV1]));
}

describe('server-side apply', () => {
  it('makes what is applied the applier’s', () => {
    const made = apply(undefined, 'm', {
      a: '1',
      nested: { b: 1 },
      ports: [{ port: 80, name: 'h' }],
    });
    expect(managers(made)).toEqual({
      m: {
        'f:spec': {
          'f:a': {},
          'f:nested': { 'f:b': {} },
          'f:ports': {
            'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} },
          },
        },
      },
    });
  });

  it('removes what the applier no longer says, and what becomes empty by that', () => {
    const made = apply(undefined, 'm', { a: '1', nested: { b: 1 } });
    expect(apply(made, 'm', { a: '1' })['spec']).toEqual({ a: '1' });
  });

  it('keeps what another owns too', () => {
    const made = apply(apply(undefined, 'm', { a: '1', set: ['x'] }), 'n', { a: '1', set: ['y'] });
    expect(apply(made, 'm', {})['spec']).toEqual({ a: '1', set: ['y'] });
  });

  it('refuses another value for what another owns, and names both', () => {
    const made = apply(undefined, 'm', { a: '1', nested: { b: 1 } });
    expect(() => apply(made, 'n', { a: '2' })).toThrow(
      'Apply failed with 1 conflict: conflict with "m": .spec.a',
    );
    expect(() => apply(made, 'n', { a: '2', nested: { b: 2 } })).toThrow(/2 conflicts/);
  });

  it('lists what is in the way by who owns it', () => {
    const made = apply(apply(undefined, 'm', { a: '1' }), 'o', { nested: { b: 1 } });
    expect(() => apply(made, 'n', { a: '2', nested: { b: 2 } })).toThrow(
      'Apply failed with 2 conflicts: conflicts with "m":\n- .spec.a\nconflicts with "o":\n- .spec.nested.b',
    );
  });

  it('takes it by force', () => {
    const made = apply(apply(undefined, 'm', { a: '1', nested: { b: 1 } }), 'n', { a: '2' }, true);
    expect(made['spec']).toEqual({ a: '2', nested: { b: 1 } });
    expect(managers(made)).toEqual({
      m: { 'f:spec': { 'f:nested': { 'f:b': {} } } },
      n: { 'f:spec': { 'f:a': {} } },
    });
  });

  it('tells items of a list apart by their keys, defaults included', () => {
    const made = apply(undefined, 'm', { ports: [{ port: 80, protocol: 'TCP', name: 'h' }] });
    const both = apply(made, 'n', {
      ports: [
        { port: 80, target: 1 },
        { port: 80, protocol: 'UDP' },
      ],
    });
    expect(both['spec']).toEqual({
      ports: [
        { port: 80, protocol: 'TCP', name: 'h', target: 1 },
        { port: 80, protocol: 'UDP' },
      ],
    });
    expect(apply(both, 'm', {})['spec']).toEqual({
      ports: [
        { port: 80, protocol: 'TCP', target: 1 },
        { port: 80, protocol: 'UDP' },
      ],
    });
  });

  it('removes an item whole when nobody owns anything in it', () => {
    const made = apply(undefined, 'm', { a: '1', ports: [{ port: 80, name: 'h' }, { port: 81 }] });
    expect(apply(made, 'm', { a: '1', ports: [{ port: 81 }] })['spec']).toEqual({
      a: '1',
      ports: [{ port: 81 }],
    });
  });

  it('gives to who updates what they changed, and nothing else', () => {
    const made = update(apply(undefined, 'm', { a: '1', nested: { b: 1 } }), 'edit', {
      a: '2',
      nested: { b: 1 },
    });
    expect(managers(made)).toEqual({
      m: { 'f:spec': { 'f:nested': { 'f:b': {} } } },
      edit: { 'f:spec': { 'f:a': {} } },
    });
    expect(() => apply(made, 'm', { a: '1' })).toThrow(
      'conflict with "edit" using g/v1 at 2026-01-02T00:00:00Z: .spec.a',
    );
  });
});

const spec = fc.record(
  {
    a: fc.constantFrom('1', '2'),
    nested: fc.record({ b: fc.integer({ min: 0, max: 1 }), c: fc.boolean() }, { requiredKeys: [] }),
    atomic: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    set: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
    ports: fc.uniqueArray(
      fc.record({ port: fc.integer({ min: 1, max: 3 }), name: fc.constantFrom('h', 'g') }),
      { selector: ({ port }) => port },
    ),
  },
  { requiredKeys: [] },
);

describe('properties of server-side apply', () => {
  it('applying twice is applying once', () => {
    fc.assert(
      fc.property(spec, spec, (first, second) => {
        const before = apply(undefined, 'other', first);
        const once = apply(before, 'm', second, true);
        expect(apply(once, 'm', second, true)).toEqual(once);
      }),
      { numRuns: 200 },
    );
  });

  it('what an applier says is so afterwards, and unsaid again is as before', () => {
    fc.assert(
      fc.property(spec, spec, (first, second) => {
        const before = apply(undefined, 'other', first);
        const after = apply(before, 'm', second, true);
        const held = leavesOf(after, schema);
        for (const [path, value] of leavesOf({ spec: second } as JsonObject, schema)) {
          if (path.includes('f:set') || path.includes('f:ports')) continue;
          if (value !== '{}') expect(held.get(path)).toBe(value);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('managers of different fields do not depend on their order', () => {
    const left = { a: '1', set: ['x'], ports: [{ port: 80, name: 'h' }] };
    fc.assert(
      fc.property(fc.boolean(), fc.integer({ min: 0, max: 3 }), (c, b) => {
        const right = { nested: { b, c }, atomic: [b] };
        const one = apply(apply(undefined, 'm', left), 'n', right);
        const other = apply(apply(undefined, 'n', right), 'm', left);
        expect(one['spec']).toEqual(other['spec']);
        expect(managers(one)).toEqual(managers(other));
      }),
    );
  });

  it('field sets survive their encoding', () => {
    fc.assert(
      fc.property(spec, (value) => {
        const fields = new Set(leavesOf({ spec: value } as JsonObject, schema).keys());
        expect(decodeFieldsV1(encodeFieldsV1(fields))).toEqual(fields);
      }),
    );
  });
});

it('reads hostile field sets without harm', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(decodeFieldsV1(value).size).toBeGreaterThanOrEqual(0);
    }),
  );
});

describe('kubectl, which moves from client-side to server-side apply,', () => {
  const noted = (was: string, is: string): JsonObject => {
    const note = JSON.stringify({ apiVersion: 'g/v1', kind: 'T', spec: { a: was } });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': note };
    const live = { apiVersion: 'g/v1', kind: 'T', metadata: { name: 'x', annotations } };
    return owned({ ...live, spec: { a: is } });
  };
  /** As `kubectl-client-side-apply` leaves it. */
  const owned = (object: JsonObject): JsonObject => {
    const writer = { manager: 'kubectl-client-side-apply', operation: 'Update' } as const;
    const about = { apiVersion: 'g/v1', subresource: '', time: '2026-01-01T00:00:00Z' };
    const changes = compareLeaves(new Map(), leavesOf(object, schema));
    const entries = encodeEntries(afterUpdate([], { ...writer, ...about }, changes));
    const metadata = { ...(object['metadata'] as JsonObject), managedFields: entries as never };
    return { ...object, metadata };
  };

  it('may change what it applied before', () => {
    expect(apply(noted('one', 'one'), 'kubectl', { a: 'two' })['spec']).toEqual({ a: 'two' });
  });

  it('may not where somebody has changed it since', () => {
    expect(() => apply(noted('one', 'other'), 'kubectl', { a: 'two' })).toThrow(/conflict/);
  });

  it('is alone with that', () => {
    expect(() => apply(noted('one', 'one'), 'ci', { a: 'two' })).toThrow(/conflict/);
  });
});
