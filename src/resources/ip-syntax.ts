const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;
/** No address is longer; longer text is refused before it is looked at. */
const LONGEST = 49;
/** The 96 bits before the IPv4 address in an IPv4-mapped IPv6 one. */
const MAPPED = 0xffffn;
const MAPPED_BITS = 96;

/** Whether `text` is one IP address: no range, no zone, no leading zeros. */
export function isIpAddress(text: string): boolean {
  return !text.includes('/') && isIpBlock(text);
}

/**
 * Whether `text` is an address or CIDR range: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. A range must not
 * reach beyond the IPv4-mapped addresses if it begins among them, as it would be of two families.
 */
export function isIpBlock(text: string): boolean {
  return parseIpBlock(text) !== undefined;
}

/** An address, or a range of them: those whose first `prefix` bits are the same. */
export interface IpBlock {
  readonly address: bigint;
  /** 32 or 128. */
  readonly bits: number;
  readonly prefix: number;
}

/** What `isIpBlock` takes, read; undefined for everything else. */
export function parseIpBlock(text: string): IpBlock | undefined {
  if (text.length > LONGEST) return undefined;
  const [host = '', length, ...more] = text.split('/');
  const bits = host.includes(':') ? 128 : 32;
  const address = bits === 128 ? ipv6(host) : ipv4(host);
  if (address === undefined || more.length > 0) return undefined;
  if (length === undefined) return { address, bits, prefix: bits };
  const shortest = bits === 128 && address >> 32n === MAPPED ? MAPPED_BITS : 0;
  const fits = PREFIX.test(length) && Number(length) <= bits && Number(length) >= shortest;
  return fits ? { address, bits, prefix: Number(length) } : undefined;
}

function ipv4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let address = 0n;
  for (const octet of octets) {
    if (!OCTET.test(octet) || Number(octet) > 255) return undefined;
    address = (address << 8n) | BigInt(octet);
  }
  return address;
}

function ipv6(text: string): bigint | undefined {
  const halves = text.split('::');
  const [front = '', back] = halves;
  const head = groups(front, back === undefined);
  const tail = back === undefined ? [] : groups(back, true);
  if (halves.length > 2 || head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (back === undefined ? missing !== 0 : missing < 1) return undefined;
  const zeros = Array.from({ length: missing }, () => 0n);
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** The 16-bit groups between colons; the last may be an IPv4 address where `mayEndInIpv4`. */
function groups(text: string, mayEndInIpv4: boolean): readonly bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const read: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes('.')) {
      const embedded = ipv4(part);
      if (embedded === undefined) return undefined;
      read.push(embedded >> 16n, embedded & 0xffffn);
    } else if (GROUP.test(part)) read.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return read;
}
