import {
  type CelFunc,
  type CelList,
  CelScalar,
  type CelValue,
  celFunc,
  celMethod,
  listType,
} from '@bufbuild/cel';

const { DYN, BOOL, INT } = CelScalar;
const list = listType(DYN);

/** Texts, numbers and truth values, which have an order. */
function order(a: CelValue, b: CelValue): number {
  const comparable = ['string', 'bigint', 'number', 'boolean'].includes(typeof a);
  if (!comparable || typeof a !== typeof b) throw new Error('the items of the list have no order');
  return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0;
}

/** Equality of what has an order; of other things it is not said. */
const same = (a: CelValue, b: CelValue): boolean => typeof a === typeof b && order(a, b) === 0;

function most(items: CelList, sign: 1 | -1): CelValue {
  const [first, ...rest] = [...items];
  if (first === undefined) throw new Error('the list is empty');
  return rest.reduce((best, item) => (order(item, best) * sign > 0 ? item : best), first);
}

function sum(items: CelList): CelValue {
  const all = [...items];
  if (all.every((item) => typeof item === 'bigint')) return all.reduce((a, b) => a + b, 0n);
  if (all.every((item) => typeof item === 'number')) return all.reduce((a, b) => a + b, 0);
  throw new Error('the items of the list are not numbers of one type');
}

const contains = (items: CelList, wanted: CelList): boolean =>
  [...wanted].every((one) => [...items].some((item) => same(item, one)));

/** Kubernetes' functions over lists, and CEL's over lists as sets, of values that have an order. */
export const listFunctions: readonly CelFunc[] = [
  celMethod('isSorted', list, [], BOOL, function () {
    const items = [...this];
    return items.every((item, index) => index === 0 || order(items[index - 1] ?? item, item) <= 0);
  }),
  celMethod('sum', list, [], DYN, function () {
    return sum(this);
  }),
  celMethod('min', list, [], DYN, function () {
    return most(this, -1);
  }),
  celMethod('max', list, [], DYN, function () {
    return most(this, 1);
  }),
  celMethod('indexOf', list, [DYN], INT, function (wanted) {
    return BigInt([...this].findIndex((item) => same(item, wanted)));
  }),
  celMethod('lastIndexOf', list, [DYN], INT, function (wanted) {
    return BigInt([...this].findLastIndex((item) => same(item, wanted)));
  }),
  celFunc('sets.contains', [list, list], BOOL, contains),
  celFunc('sets.intersects', [list, list], BOOL, (a, b) =>
    [...a].some((one) => [...b].some((item) => same(item, one))),
  ),
  celFunc('sets.equivalent', [list, list], BOOL, (a, b) => contains(a, b) && contains(b, a)),
];
