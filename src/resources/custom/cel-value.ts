import type { CelInput } from '@bufbuild/cel';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { TSchema } from 'typebox';
import { parseGoDuration } from '../go-duration.ts';
import type { Json } from '../json-tree.ts';

interface Shape {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
}

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/**
 * `value` as CEL sees it: whole numbers as its int, times and durations as such, and names of fields that are no identifiers
 * written as Kubernetes writes them (`x-kind` is `x__dash__kind`). Keys of maps stay as they are.
 */
export function celValue(value: Json, schema: TSchema | undefined): CelInput {
  const { type, format, properties, patternProperties, items } = (schema ?? {}) as Shape;
  if (Array.isArray(value)) return value.map((item) => celValue(item, items));
  if (typeof value === 'number') {
    const whole = type === 'integer' || (Array.isArray(type) && type.includes('integer'));
    return whole && Number.isSafeInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === 'string') return (type === 'string' && ofFormat(value, format)) || value;
  if (value === null || typeof value !== 'object') return value;
  const [values] = Object.values(patternProperties ?? {});
  return new Map(
    Object.entries(value).map(([key, field]) => {
      const known =
        properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
      return known === undefined
        ? [key, celValue(field, values)]
        : [identifier(key), celValue(field, known)];
    }),
  );
}

/** The time or duration that a text of such a format is; undefined for others, and for what is none. */
function ofFormat(text: string, format: string | undefined): CelInput | undefined {
  if (format === 'duration') {
    const ms = parseGoDuration(text);
    return ms === undefined ? undefined : durationFromMs(ms);
  }
  if (format !== 'date-time' && format !== 'date') return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : timestampFromMs(ms);
}

/** The name of a field as CEL writes it. */
export function identifier(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
