import { addressText, type Ip, parseIp } from './parse-ip.ts';

/** The addresses that share the first `prefix` bits. */
export interface IpBlock {
  readonly contains: (ip: Ip) => boolean;
  /** What `addressText` of every address in it begins with. */
  readonly text: string;
}

const PREFIX_LENGTH = /^(?:0|[1-9]\d{0,2})$/;
/** Bits before the IPv4 address in an IPv4-mapped IPv6 one. */
const MAPPED_BITS = 96;

/**
 * An address (`10.0.0.1`, `fd00::1`) or CIDR range (`10.0.0.0/8`, `fd00::/8`); bits after the prefix
 * do not count. An IPv4-mapped IPv6 range (`::ffff:10.0.0.0/104`) means the IPv4 range, and a caller
 * is IPv4 whichever way its address is written. Undefined when `text` is neither.
 */
export function parseIpBlock(text: string): IpBlock | undefined {
  if (text.includes('%')) return undefined;
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const written = slash === -1 ? undefined : text.slice(slash + 1);
  if (written !== undefined && !PREFIX_LENGTH.test(written)) return undefined;
  const prefix = written === undefined ? undefined : Number(written);
  return typeof ip === 'number'
    ? ipv4Block(ip, ipv4Prefix(prefix, address.includes(':')))
    : ipv6Block(ip, prefix ?? 128);
}

function ipv4Prefix(prefix: number | undefined, mapped: boolean): number {
  if (prefix === undefined) return 32;
  return mapped ? prefix - MAPPED_BITS : prefix;
}

function ipv4Block(ip: number, prefix: number): IpBlock | undefined {
  if (prefix < 0 || prefix > 32) return undefined;
  const mask = maskOf(prefix);
  const base = ip & mask;
  return {
    contains: (other) => typeof other === 'number' && (other & mask) === base,
    text: addressText(ip).slice(0, 1 + prefix),
  };
}

function ipv6Block(ip: Exclude<Ip, number>, prefix: number): IpBlock | undefined {
  if (prefix > 128) return undefined;
  const masks = [0, 1, 2, 3].map((word) => maskOf(Math.min(Math.max(prefix - word * 32, 0), 32)));
  const [m0 = 0, m1 = 0, m2 = 0, m3 = 0] = masks;
  const [b0, b1, b2, b3] = [ip[0] & m0, ip[1] & m1, ip[2] & m2, ip[3] & m3];
  return {
    contains: (other) =>
      typeof other !== 'number' &&
      (other[0] & m0) === b0 &&
      (other[1] & m1) === b1 &&
      (other[2] & m2) === b2 &&
      (other[3] & m3) === b3,
    text: addressText(ip).slice(0, 1 + prefix),
  };
}

/** 32 bits of which the first `bits` are set; a shift by 32 would be a shift by 0. */
function maskOf(bits: number): number {
  return bits === 0 ? 0 : -1 << (32 - bits);
}
