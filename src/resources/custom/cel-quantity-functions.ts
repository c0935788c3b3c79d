import { type CelFunc, type CelMap, CelScalar, celFunc, celMethod, mapType } from '@bufbuild/cel';
import { parseQuantity, wholeOf } from './quantity.ts';

const { STRING, BOOL, INT, DOUBLE } = CelScalar;
/** As CEL sees one: a map with its size in billionths, so that equal ones are equal. */
const quantityType = mapType(STRING, INT);
const SIZE = 'billionths';

const made = (size: bigint): ReadonlyMap<string, string> => new Map([[SIZE, String(size)]]);
const sizeOf = (quantity: CelMap): bigint => BigInt(String(quantity.get(SIZE)));
const sign = (size: bigint): bigint => (size < 0n ? -1n : size > 0n ? 1n : 0n);

function read(text: string): bigint {
  const size = parseQuantity(text);
  if (size === undefined) throw new Error(`${JSON.stringify(text)} is not a quantity`);
  return size;
}

function asInteger(quantity: CelMap): bigint {
  const whole = wholeOf(sizeOf(quantity));
  if (whole === undefined) throw new Error('the quantity is not a whole number');
  return whole;
}

const compared = (name: string, holds: (difference: bigint) => boolean): CelFunc =>
  celMethod(name, quantityType, [quantityType], BOOL, function (other) {
    return holds(sizeOf(this) - sizeOf(other));
  });

const combined = (name: string, combine: (a: bigint, b: bigint) => bigint): readonly CelFunc[] => [
  celMethod(name, quantityType, [quantityType], quantityType, function (other) {
    return made(combine(sizeOf(this), sizeOf(other)));
  }),
  celMethod(name, quantityType, [INT], quantityType, function (other) {
    return made(combine(sizeOf(this), read(String(other))));
  }),
];

/** Kubernetes' functions over quantities. */
export const quantityFunctions: readonly CelFunc[] = [
  celFunc('isQuantity', [STRING], BOOL, (text) => parseQuantity(text) !== undefined),
  celFunc('quantity', [STRING], quantityType, (text) => made(read(text))),
  compared('isGreaterThan', (difference) => difference > 0n),
  compared('isLessThan', (difference) => difference < 0n),
  celMethod('compareTo', quantityType, [quantityType], INT, function (other) {
    return sign(sizeOf(this) - sizeOf(other));
  }),
  celMethod('sign', quantityType, [], INT, function () {
    return sign(sizeOf(this));
  }),
  celMethod('isInteger', quantityType, [], BOOL, function () {
    return wholeOf(sizeOf(this)) !== undefined;
  }),
  celMethod('asInteger', quantityType, [], INT, function () {
    return asInteger(this);
  }),
  celMethod('asApproximateFloat', quantityType, [], DOUBLE, function () {
    return Number(sizeOf(this)) / 1e9;
  }),
  ...combined('add', (a, b) => a + b),
  ...combined('sub', (a, b) => a - b),
];
