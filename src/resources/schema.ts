import {
  type TArray,
  type TEnum,
  type TInteger,
  type TObject,
  type TProperties,
  type TRecord,
  type TSchema,
  type TString,
  type TUnknown,
  Type,
} from 'typebox';

/** An object with these fields and no others. */
export function closed<P extends TProperties>(properties: P, description: string): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, description });
}

/** Like `closed`, and `{}` where it is not given. */
export function closedOrEmpty<P extends TProperties>(
  properties: P,
  description: string,
): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, default: {}, description });
}

/** An object whose keys people choose. */
export function mapOf<V extends TSchema>(
  value: V,
  description: string,
  bounds: { readonly maxProperties?: number; readonly minProperties?: number } = {},
): TRecord<'^.*$', V> {
  return Type.Record(Type.String(), value, { ...bounds, additionalProperties: false, description });
}

/** A list of strings whose grammar, if any, is checked beyond the schema. */
export function strings(
  description: string,
  bounds: { readonly maxItems?: number } = {},
): TArray<TString> {
  return Type.Array(Type.String(), { ...bounds, description });
}

/** One of these words. */
export function oneOf<const Words extends string[]>(
  words: readonly [...Words],
  description: string,
): TEnum<Words> {
  return Type.Enum(words, { type: 'string', description });
}

/** A port number that can be listened on. */
export function port(description: string): TInteger {
  return Type.Integer({ minimum: 1, maximum: 65535, description });
}

/** What controllers say of the resource; anybody's shape, kept as it is. */
export const status: TRecord<'^.*$', TUnknown> = Type.Record(Type.String(), Type.Unknown(), {
  additionalProperties: false,
  description: 'What was last observed of the resource; written by controllers, not by people.',
});
