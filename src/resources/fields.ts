import {
  type TArray,
  type TBoolean,
  type TEnum,
  type TInteger,
  type TNumber,
  type TOptional,
  type TRecord,
  type TSchema,
  type TString,
  type TUnknown,
  type TUnsafe,
  Type,
} from 'typebox';
import { quote } from './field-problem.ts';
import { parseGoDuration } from './go-duration.ts';
import { atomicList } from './schema-annotations.ts';

/** Further keywords of a field's schema: bounds, defaults, annotations. */
type Keywords = Readonly<Record<string, unknown>>;

/** A field that may be null, which says no more than leaving it out. */
export const nullable: Keywords = { nullable: true, 'x-hauberk-drop-null': true };

const UINT32_MAX = 4_294_967_295;

/** A string that need not be there. */
export function text(description: string, keywords: Keywords = {}): TOptional<TString> {
  return Type.Optional(Type.String({ description, ...keywords }));
}

/** True, false or not said. */
export function flag(description: string, keywords: Keywords = {}): TOptional<TBoolean> {
  return Type.Optional(Type.Boolean({ description, ...keywords }));
}

/** A whole number of 32 bits that need not be there. */
export function int32(description: string, keywords: Keywords = {}): TOptional<TInteger> {
  return Type.Optional(
    Type.Integer({
      format: 'int32',
      minimum: -2_147_483_648,
      maximum: 2_147_483_647,
      description,
      ...keywords,
    }),
  );
}

/** A whole number from 0 to 2^32 - 1 that need not be there. */
export function uint32(description: string, keywords: Keywords = {}): TOptional<TInteger> {
  return Type.Optional(Type.Integer({ minimum: 0, maximum: UINT32_MAX, description, ...keywords }));
}

/** A whole number of 64 bits that need not be there; JSON has 53 of them exactly. */
export function int64(description: string, keywords: Keywords = {}): TOptional<TInteger> {
  return Type.Optional(Type.Integer({ format: 'int64', description, ...keywords }));
}

/** A number that need not be there. */
export function real(description: string, keywords: Keywords = {}): TOptional<TNumber> {
  return Type.Optional(Type.Number({ format: 'double', description, ...keywords }));
}

/** One of these words, or none. */
export function word<const Words extends string[]>(
  words: readonly [...Words],
  description: string,
  keywords: Keywords = {},
): TOptional<TEnum<Words>> {
  return Type.Optional(Type.Enum(words, { type: 'string', description, ...keywords }));
}

/** A list that need not be there. */
export function list<Item extends TSchema>(
  item: Item,
  description: string,
  keywords: Keywords = {},
): TOptional<TArray<Item>> {
  return Type.Optional(Type.Array(item, { description, ...keywords }));
}

/** A list of strings that need not be there. */
export function texts(
  description: string,
  keywords: Keywords = {},
  item: Keywords = {},
): TOptional<TArray<TString>> {
  return list(Type.String(item), description, keywords);
}

/** A list of strings that patches replace whole. */
export function atomicTexts(description: string): TOptional<TArray<TString>> {
  return texts(description, { ...atomicList() });
}

/** Texts by keys that people choose. */
export function textMap(
  description: string,
  keywords: Keywords = {},
): TOptional<TRecord<'^.*$', TString>> {
  return map(Type.String(), description, keywords);
}

/** Values by keys that people choose; need not be there. */
export function map<Value extends TSchema>(
  value: Value,
  description: string,
  keywords: Keywords = {},
): TOptional<TRecord<'^.*$', Value>> {
  return Type.Optional(
    Type.Record(Type.String(), value, { additionalProperties: false, description, ...keywords }),
  );
}

/** A number or a name, as Kubernetes has for ports and shares. */
export function intOrString(
  description: string,
  keywords: Keywords = {},
): TOptional<TUnsafe<number | string>> {
  return Type.Optional(
    Type.Unsafe<number | string>({
      type: ['integer', 'string'],
      'x-kubernetes-int-or-string': true,
      description,
      ...keywords,
    }),
  );
}

/** An object of any shape, kept as it is. */
export function anyObject(
  description: string,
  keywords: Keywords = {},
): TOptional<TRecord<'^.*$', TUnknown>> {
  return map(Type.Unknown(), description, {
    'x-kubernetes-preserve-unknown-fields': true,
    ...keywords,
  });
}

/** A duration in Go's notation of at least a millisecond, which is Istio's rule. */
export function duration(description: string, keywords: Keywords = {}): TOptional<TString> {
  return text(description, { 'x-hauberk-check': durationProblem, ...keywords });
}

/** What is wrong with `value` as Istio's duration. */
function durationProblem(value: string): string | undefined {
  const ms = parseGoDuration(value);
  if (ms === undefined)
    return `${quote(value)} is not a duration; write for example "10s" or "1h30m"`;
  return ms < 1 ? `${quote(value)} must be at least 1ms` : undefined;
}
