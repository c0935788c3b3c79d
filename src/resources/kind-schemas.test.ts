import { Ajv } from 'ajv';
import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { expect, it } from 'vitest';
import { checkSchema } from './check-schema.ts';
import type { Json } from './json-tree.ts';
import { kinds } from './kinds.ts';
import { SCHEMA_ANNOTATIONS } from './schema-annotations.ts';
import { schemaKeywords } from './schema-keywords.ts';

type Schema = Readonly<Record<string, unknown>>;

const strict = new Ajv({ strict: true, allowUnionTypes: true, validateFormats: false })
  .removeKeyword('pattern')
  .addVocabulary([...SCHEMA_ANNOTATIONS]);
for (const keyword of schemaKeywords) strict.addKeyword(keyword);

function children(schema: Schema): [string, Schema][] {
  const { properties = {}, patternProperties = {}, items } = schema;
  return [
    ...Object.entries(properties as Record<string, Schema>),
    ...Object.values(patternProperties as Record<string, Schema>).map((value): [string, Schema] => [
      '{}',
      value,
    ]),
    ...(items === undefined ? [] : [['[]', items as Schema] as [string, Schema]]),
  ];
}

function undescribed(schema: Schema, path: string): readonly string[] {
  return children(schema).flatMap(([name, child]) => {
    const at = `${path}.${name}`;
    const plain = child['type'] !== 'object' || name === '{}' || name === '[]';
    const known = typeof child['description'] === 'string' || (plain && /[[{]/.test(name));
    return [...(known ? [] : [at]), ...undescribed(child, at)];
  });
}

it.each(kinds.map((kind) => [kind.kind, kind] as const))(
  'has a schema of %s without a slip of the pen',
  (_name, kind) => {
    expect(() => strict.compile(kind.schema)).not.toThrow();
  },
);

it('describes the fields of the kinds that people write', () => {
  const written = kinds.filter(({ group }) => group !== '' && !group.includes('hauberk'));
  const missing = written.flatMap(({ kind, schema }) => undescribed(schema as Schema, kind));
  expect(missing).toEqual([]);
});

/** Anything that a schema could be asked about: mostly of its form, at times not. */
function sample(schema: Schema, depth: number): fc.Arbitrary<Json> {
  const { type, enum: words, items, patternProperties } = schema;
  if (Array.isArray(words)) return fc.constantFrom(...(words as Json[]));
  if (type === 'string') return fc.constantFrom('a', '', '10s', '10.0.0.1', 'a.example.com');
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') return fc.integer({ min: 0, max: 100 });
  if (type === 'array') {
    const item = depth > 5 ? fc.constant(null) : sample(items as Schema, depth + 1);
    return fc.array(item, { maxLength: 2 }) as fc.Arbitrary<Json>;
  }
  const [value] = Object.values((patternProperties ?? {}) as Record<string, Schema>);
  if (value !== undefined) {
    const text = fc.constantFrom('a', 'b.c/d');
    return fc.dictionary(text, depth > 5 ? fc.constant(1) : sample(value, depth + 1), {
      maxKeys: 2,
    }) as fc.Arbitrary<Json>;
  }
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  const fields = Object.entries(properties).filter(
    ([name]) => depth < 5 || required.includes(name),
  );
  if (fields.length === 0) return fc.constant({});
  return fc.record(
    Object.fromEntries(fields.map(([name, field]) => [name, sample(field, depth + 1)])),
    { requiredKeys: required },
  ) as fc.Arbitrary<Json>;
}

it('has nothing more to fill in once its defaults are filled in', () => {
  for (const { schema, confidential } of kinds) {
    const check = (value: Json) => checkSchema(value, { schema: schema as TSchema, confidential });
    fc.assert(
      fc.property(sample(schema as Schema, 0), (value) => {
        const first = structuredClone(value);
        const problems = check(first);
        const second = structuredClone(first);
        expect(check(second)).toEqual(problems);
        expect(second).toEqual(first);
      }),
      { numRuns: 10 },
    );
  }
});
