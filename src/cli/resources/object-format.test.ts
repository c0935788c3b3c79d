import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listOf, type ObjectFormat, objectFormatArgument, shownObject } from './object-format.ts';

const object = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cm', managedFields: [{ manager: 'x' }] },
  data: { yes: 'no', number: '010', list: ['a'] },
};

function printed(format: ObjectFormat, value: unknown): string {
  if (format.as !== 'document') throw new Error(`${format.as} is no document`);
  return format.print(value);
}

describe('-o', () => {
  it('yaml is what kubectl reads back as the same', () => {
    const text = printed(objectFormatArgument('yaml'), object);
    expect(parse(text, { version: '1.1' })).toEqual(object);
    expect(text).toMatch(/^apiVersion: v1\ndata:\n {2}list:\n {2}- a\n {2}number: "010"\n/);
  });

  it('json is indented as kubectl’s', () => {
    expect(printed(objectFormatArgument('json'), { a: 1 })).toBe('{\n    "a": 1\n}\n');
    expect(listOf([object])).toMatchObject({ kind: 'List', items: [object] });
  });

  it('custom-columns prints <none> for what is not there', () => {
    const format = objectFormatArgument('custom-columns=NAME:.metadata.name,X:{.spec.x}');
    if (format.as !== 'columns') throw new Error('no columns');
    expect(format.print([object])).toBe('NAME   X\ncm     <none>\n');
    expect(format.print([object], false)).toBe('cm   <none>\n');
  });

  it('takes wide, name and a table', () => {
    expect(objectFormatArgument('wide')).toEqual({ as: 'table', wide: true });
    expect(objectFormatArgument('name')).toEqual({ as: 'name' });
    expect(objectFormatArgument('text')).toEqual({ as: 'table', wide: false });
  });

  it.each([
    ['go-template={{.a}}', 'is no output format; there are json, yaml'],
    ['jsonpath', 'needs a template'],
    ['custom-columns=', 'needs columns'],
    ['custom-columns=NAME', 'HEADING:.path'],
    ['jsonpath={.a[}', 'cannot be read'],
  ])('refuses %s', (text, why) => {
    expect(() => objectFormatArgument(text)).toThrow(why);
  });
});

it('leaves managed fields out unless they are wanted', () => {
  expect(shownObject(object).metadata).toEqual({ name: 'cm' });
  expect(shownObject(object, true)).toBe(object);
});
