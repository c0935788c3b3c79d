import { isIPv6 } from 'node:net';

/** A host (IP address or name, IPv6 without brackets) and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const BRACKETED = /^\[([0-9a-fA-F:.]+)\]:(\d{1,5})$/;
const PLAIN = /^([A-Za-z0-9._-]{1,253}):(\d{1,5})$/;

/** `host:port`, an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The address that an HTTP/2 `:authority` names (RFC 9113, 8.5), or undefined when it is anything
 * but a host and a port from 1 to 65535. The host comes back in lower case.
 */
export function parseAuthority(text: string): Address | undefined {
  const [, host, digits] = BRACKETED.exec(text) ?? PLAIN.exec(text) ?? [];
  if (host === undefined || digits === undefined) return undefined;
  if (text.startsWith('[') && !isIPv6(host)) return undefined;
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { host: plainIp(host), port } : undefined;
}

/** The address as people write it: lower case, `::ffff:10.0.0.1` as `10.0.0.1`; '' for none. */
export function plainIp(ip: string | undefined): string {
  if (ip === undefined) return '';
  return MAPPED_IPV4.exec(ip)?.[1] ?? ip.toLowerCase();
}
