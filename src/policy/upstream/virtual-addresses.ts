/** The addresses under which programs reach a mesh host that has none of its own. */
export interface VirtualAddress {
  /** In 240.240.0.0/16. */
  readonly ipv4: string;
  /** In 2001:2::/48. */
  readonly ipv6: string;
}

/** Istio's ranges for the addresses that it gives by itself: nobody else uses them. */
export const VIRTUAL_RANGES: { readonly ipv4: string; readonly ipv6: string } = {
  ipv4: '240.240.0.0/16',
  ipv6: '2001:2::/48',
};

const IPV4_PREFIX = '240.240';
const IPV6_PREFIX = '2001:2:0:0';
/** No address ends in .0 or .255, which some programs take for a network's own. */
const LAST_OCTETS = 254;
const SLOTS = 256 * LAST_OCTETS;
const TRIES = 64;

/**
 * An address for each host, derived from its name alone, so that every agent and every restart gives
 * the same one without asking anybody. Where two names meet on an IPv4 address the one that comes first in
 * `hosts` keeps it and the other moves on to the next of its own sequence: give the oldest first, and
 * what is added later displaces nobody. Hosts beyond the 65,024 addresses of the range get none.
 */
export function virtualAddresses(hosts: Iterable<string>): ReadonlyMap<string, VirtualAddress> {
  const addresses = new Map<string, VirtualAddress>();
  const taken = new Set<number>();
  for (const host of hosts) {
    if (addresses.has(host)) continue;
    if (taken.size === SLOTS) break;
    const slot = freeSlot(host, taken);
    taken.add(slot);
    const third = Math.floor(slot / LAST_OCTETS);
    const fourth = (slot % LAST_OCTETS) + 1;
    addresses.set(host, { ipv4: `${IPV4_PREFIX}.${third}.${fourth}`, ipv6: ipv6Of(host) });
  }
  return addresses;
}

function freeSlot(host: string, taken: ReadonlySet<number>): number {
  let slot = 0;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    slot = hash(host, attempt) % SLOTS;
    if (!taken.has(slot)) return slot;
  }
  while (taken.has(slot)) slot = (slot + 1) % SLOTS;
  return slot;
}

/** 64 bits of hash: two names do not meet. */
function ipv6Of(host: string): string {
  const [high, low] = [hash(host, TRIES), hash(host, TRIES + 1)];
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
  return `${IPV6_PREFIX}:${groups.map((group) => group.toString(16)).join(':')}`;
}

/** FNV-1a over seed and text, and the end of MurmurHash3 so that every bit counts in every other. */
function hash(text: string, seed: number): number {
  let bits = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    bits = Math.imul(bits ^ text.charCodeAt(at), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
