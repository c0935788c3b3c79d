import {
  type CelFunc,
  type CelInput,
  type CelMap,
  CelScalar,
  celFunc,
  celMethod,
  mapType,
} from '@bufbuild/cel';

const { DYN, BOOL, STRING } = CelScalar;
/** A map with the value in it, or without. */
const optionalType = mapType(STRING, DYN);
const VALUE = '@value';

/** Nothing, as CEL's optional types have it. */
export const NONE: ReadonlyMap<string, CelInput> = new Map();

/** Something, as CEL's optional types have it. */
export function some(value: CelInput): ReadonlyMap<string, CelInput> {
  return new Map([[VALUE, value]]);
}

function held(optional: CelMap): CelInput {
  const value = optional.get(VALUE);
  if (value === undefined) throw new Error('the optional has no value');
  return value;
}

/** CEL's functions of optional values; the checks of `checkExpression` know their names. */
export const optionalFunctions: readonly CelFunc[] = [
  celFunc('optional.of', [DYN], optionalType, (value) => some(value)),
  celFunc('optional.none', [], optionalType, () => NONE),
  celMethod('hasValue', optionalType, [], BOOL, function () {
    return this.has(VALUE);
  }),
  celMethod('value', optionalType, [], DYN, function () {
    return held(this);
  }),
  celMethod('orValue', optionalType, [DYN], DYN, function (otherwise) {
    return this.has(VALUE) ? held(this) : otherwise;
  }),
  celMethod('or', optionalType, [optionalType], optionalType, function (otherwise) {
    return this.has(VALUE) ? this : otherwise;
  }),
];
