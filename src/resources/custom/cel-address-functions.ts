import { type CelFunc, type CelMap, CelScalar, celFunc, celMethod, mapType } from '@bufbuild/cel';
import { type IpBlock, parseIpBlock } from '../ip-syntax.ts';

const { STRING, BOOL, INT } = CelScalar;
/** As CEL sees an address or a range: a map with what was written. */
const blockType = mapType(STRING, STRING);
const TEXT = 'text';

const made = (text: string): ReadonlyMap<string, string> => new Map([[TEXT, text]]);
const isAddress = (text: string): boolean => !text.includes('/');

function read(text: string): IpBlock {
  const block = parseIpBlock(text);
  if (block === undefined) throw new Error(`${JSON.stringify(text)} is no address or range`);
  return block;
}

const blockOf = (value: CelMap): IpBlock => read(String(value.get(TEXT)));

function holds(outer: IpBlock, inner: IpBlock): boolean {
  if (outer.bits !== inner.bits || inner.prefix < outer.prefix) return false;
  const free = BigInt(outer.bits - outer.prefix);
  return outer.address >> free === inner.address >> free;
}

const contained = (name: string): readonly CelFunc[] => [
  celMethod(name, blockType, [STRING], BOOL, function (text) {
    return holds(blockOf(this), read(text));
  }),
  celMethod(name, blockType, [blockType], BOOL, function (other) {
    return holds(blockOf(this), blockOf(other));
  }),
];

/** Kubernetes' functions over IP addresses and ranges of them. */
export const addressFunctions: readonly CelFunc[] = [
  celFunc('isIP', [STRING], BOOL, (text) => isAddress(text) && parseIpBlock(text) !== undefined),
  celFunc('isCIDR', [STRING], BOOL, (text) => !isAddress(text) && parseIpBlock(text) !== undefined),
  celFunc('ip', [STRING], blockType, (text) => {
    if (!isAddress(text)) throw new Error(`${JSON.stringify(text)} is not an address`);
    read(text);
    return made(text);
  }),
  celFunc('cidr', [STRING], blockType, (text) => {
    if (isAddress(text)) throw new Error(`${JSON.stringify(text)} is not a range`);
    read(text);
    return made(text);
  }),
  celMethod('family', blockType, [], INT, function () {
    return blockOf(this).bits === 32 ? 4n : 6n;
  }),
  celMethod('isUnspecified', blockType, [], BOOL, function () {
    return blockOf(this).address === 0n;
  }),
  celMethod('isLoopback', blockType, [], BOOL, function () {
    const { address, bits } = blockOf(this);
    return bits === 32 ? address >> 24n === 127n : address === 1n;
  }),
  celMethod('prefixLength', blockType, [], INT, function () {
    return BigInt(blockOf(this).prefix);
  }),
  ...contained('containsIP'),
  ...contained('containsCIDR'),
];
