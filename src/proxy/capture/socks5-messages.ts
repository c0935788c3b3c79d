import { type Address, parseAuthority } from '../address.ts';
import type { Reading } from './read-message.ts';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;

/** Answers to a request (RFC 1928, 6). */
export const SOCKS_REPLY = {
  succeeded: 0,
  failed: 1,
  notAllowed: 2,
  hostUnreachable: 4,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

const HOST_BYTES: Readonly<Record<number, number>> = { 1: 4, 4: 16 };
const DOMAIN = 3;

/** How the client can prove who it is (RFC 1928, 3); whether that may be not at all. */
export function readGreeting(bytes: Buffer): Reading<{ readonly withoutAuthentication: boolean }> {
  const [version, methods] = bytes;
  if (version !== undefined && version !== VERSION) {
    return { refused: `SOCKS version ${version}; only version 5 is spoken` };
  }
  if (methods === undefined || bytes.length < 2 + methods) return undefined;
  const offered = bytes.subarray(2, 2 + methods);
  const message = { withoutAuthentication: offered.includes(NO_AUTHENTICATION) };
  return { message, bytes: 2 + methods };
}

export type SocksRequest =
  | { readonly target: Address }
  | { readonly unsupported: 'commandNotSupported' | 'addressTypeNotSupported' };

/** What the client wants (RFC 1928, 4). */
export function readSocksRequest(bytes: Buffer): Reading<SocksRequest> {
  const [version, command, , type] = bytes;
  if (version !== undefined && version !== VERSION) return { refused: 'no SOCKS 5 request' };
  if (type === undefined) return undefined;
  if (command !== CONNECT) return { message: { unsupported: 'commandNotSupported' }, bytes: 4 };
  const named = type === DOMAIN;
  const hostBytes = named ? bytes[4] : HOST_BYTES[type];
  if (!named && hostBytes === undefined) {
    return { message: { unsupported: 'addressTypeNotSupported' }, bytes: 4 };
  }
  const start = named ? 5 : 4;
  if (hostBytes === undefined || bytes.length < start + hostBytes + 2) return undefined;
  const host = hostText(bytes.subarray(start, start + hostBytes), named);
  const port = bytes.readUInt16BE(start + hostBytes);
  const target = parseAuthority(`${host}:${port}`);
  if (target === undefined) return { refused: 'the request names no host and port' };
  return { message: { target }, bytes: start + hostBytes + 2 };
}

/** The answer to the greeting: no authentication, or that nothing else is taken. */
export function methodReply(accepted: boolean): Buffer {
  return Buffer.of(VERSION, accepted ? NO_AUTHENTICATION : 0xff);
}

/** The answer to a request; the address that it was bound to means nothing here and is zero. */
export function socksReply(reply: number): Buffer {
  return Buffer.of(VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

function hostText(bytes: Buffer, named: boolean): string {
  if (named) {
    const name = bytes.toString('latin1');
    return name.includes(':') ? `[${name}]` : name;
  }
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname;
}
