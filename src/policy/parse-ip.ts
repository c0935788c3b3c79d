/** An IPv4 address as 32 bits (signed, as JavaScript's bit operators have it), IPv6 as four times 32. */
export type Ip = number | readonly [number, number, number, number];

const MAPPED_PREFIX = '::ffff:';
const GROUP = /^[0-9a-f]{1,4}$/i;
const LONGEST_IPV6 = 45;
const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The address in `text`; undefined when it is none. An IPv4-mapped IPv6 address, which is how Node
 * reports IPv4 peers of a dual-stack socket, is the IPv4 address; a zone (`%eth0`) is left out.
 */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) return parseIpv4(text, 0);
  if (text.startsWith(MAPPED_PREFIX) && text.includes('.')) {
    return parseIpv4(text, MAPPED_PREFIX.length);
  }
  return parseIpv6(text);
}

/** Dotted decimal from `from` to the end: four numbers to 255, no leading zeros. */
function parseIpv4(text: string, from: number): number | undefined {
  let bits = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0 || dots === 3) return undefined;
      bits = (bits << 8) | octet;
      octet = 0;
      digits = 0;
      dots += 1;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    digits += 1;
    if (octet > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? (bits << 8) | octet : undefined;
}

function parseIpv6(text: string): Ip | undefined {
  const zone = text.indexOf('%');
  const address = zone === -1 ? text : text.slice(0, zone);
  if (address.length > LONGEST_IPV6) return undefined;
  const gap = address.indexOf('::');
  if (gap === -1) {
    const groups = groupsOf(address);
    return groups?.length === 8 ? wordsOf(groups) : undefined;
  }
  const before = groupsOf(address.slice(0, gap));
  const after = groupsOf(address.slice(gap + 2));
  if (before === undefined || after === undefined) return undefined;
  const zeros = 8 - before.length - after.length;
  if (zeros < 1 || address.lastIndexOf('.', gap) !== -1) return undefined;
  return wordsOf([...before, ...new Array<number>(zeros).fill(0), ...after]);
}

/** The 16 bit groups of a part without `::`; the last may be a dotted IPv4 address. */
function groupsOf(part: string): number[] | undefined {
  if (part === '') return [];
  const texts = part.split(':');
  const last = texts.at(-1) ?? '';
  const groups: number[] = [];
  for (const text of last.includes('.') ? texts.slice(0, -1) : texts) {
    if (!GROUP.test(text)) return undefined;
    groups.push(Number.parseInt(text, 16));
  }
  if (!last.includes('.')) return groups;
  const ipv4 = parseIpv4(last, 0);
  return ipv4 === undefined ? undefined : [...groups, ipv4 >>> 16, ipv4 & 0xffff];
}

function wordsOf(groups: readonly number[]): Ip {
  const word = (index: number): number =>
    ((groups[index * 2] ?? 0) << 16) | (groups[index * 2 + 1] ?? 0);
  const words = [word(0), word(1), word(2), word(3)] as const;
  const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return mapped ? words[3] : words;
}

/**
 * The bits of an address as text, IPv4 and IPv6 told apart by the first letter: addresses of one block
 * begin alike.
 */
export function addressText(ip: Ip): string {
  return typeof ip === 'number' ? `4${bits(ip)}` : `6${ip.map(bits).join('')}`;
}

function bits(word: number): string {
  return (word >>> 0).toString(2).padStart(32, '0');
}
