import type { TSchema } from 'typebox';
import { identifier } from './cel-value.ts';

/** What is known of a value before a rule is run; `dyn` where nothing is. */
export interface CelTyped {
  /** CEL's name of the type, or `optional`. */
  readonly name: string;
  /** Of lists, maps and optionals: what is in them. */
  readonly of?: CelTyped;
  /** Of objects: the only fields that there are, by their names in CEL. */
  readonly fields?: ReadonlyMap<string, CelTyped>;
}

export const DYN: CelTyped = { name: 'dyn' };
export const BOOL: CelTyped = { name: 'bool' };
export const STRING: CelTyped = { name: 'string' };

interface Shape {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

const SCALARS: Readonly<Record<string, string>> = {
  ...{ string: 'string', integer: 'int', number: 'double', boolean: 'bool' },
};

/** How texts of these formats are seen. */
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': 'google.protobuf.Timestamp',
  date: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

/** The type of the values that a schema takes. What may be null, or of several types, is `dyn`. */
export function typeOfSchema(schema: TSchema): CelTyped {
  const { type, format, properties, patternProperties, items, ...rest } = schema as Shape;
  if (type === 'array') {
    return { name: 'list', of: items === undefined ? DYN : typeOfSchema(items) };
  }
  if (type === 'object') {
    const [values] = Object.values(patternProperties ?? {});
    if (values !== undefined) return { name: 'map', of: typeOfSchema(values) };
    const open = rest['x-kubernetes-preserve-unknown-fields'] === true;
    if (properties === undefined || open) return { name: 'map', of: DYN };
    return { name: 'map', fields: fieldsOf(properties) };
  }
  const scalar = typeof type === 'string' ? SCALARS[type] : undefined;
  if (scalar === undefined) return DYN;
  const special = scalar === 'string' && format !== undefined ? FORMATS[format] : undefined;
  return { name: special ?? scalar };
}

/** Of a whole resource, whose name is all of its metadata that rules may look at. */
export function typeOfResource(schema: TSchema): CelTyped {
  const { properties = {} } = schema as Shape;
  const own = new Map([
    ['apiVersion', STRING],
    ['kind', STRING],
    [
      'metadata',
      { name: 'map', fields: new Map([...['name', 'generateName'].map(text)]) } as const,
    ],
  ]);
  return { name: 'map', fields: new Map([...fieldsOf(properties), ...own]) };
}

function text(name: string): [string, CelTyped] {
  return [name, STRING];
}

function fieldsOf(properties: Readonly<Record<string, TSchema>>): ReadonlyMap<string, CelTyped> {
  return new Map(
    Object.entries(properties).map(([name, child]) => [identifier(name), typeOfSchema(child)]),
  );
}

const NUMBERS = ['int', 'uint', 'double'];

/** Whether a value of the one type can be asked for being equal to one of the other. */
export function comparable(a: CelTyped, b: CelTyped): boolean {
  const known = a.name !== 'dyn' && b.name !== 'dyn';
  if (!known || a.name === b.name) return true;
  if (a.name === 'null_type' || b.name === 'null_type') return true;
  return NUMBERS.includes(a.name) && NUMBERS.includes(b.name);
}

/** The type of a value that is of one type or of the other. */
export function either(a: CelTyped, b: CelTyped): CelTyped {
  if (a.name !== b.name) return DYN;
  return a.of !== undefined && b.of !== undefined ? { name: a.name, of: either(a.of, b.of) } : a;
}
