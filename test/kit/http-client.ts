import type { Address } from '../../src/proxy/address.ts';
import { dial, readToEnd } from './proxy-pair.ts';

export interface RawAnswer {
  readonly status: number;
  /** Everything that came, head and body. */
  readonly text: string;
  /** The body as JSON, where it is some. */
  readonly json: Readonly<Record<string, never>>;
}

/** One GET on a connection of its own; more header lines may be given, each with its CRLF. */
export function rawGet(address: Address, path: string, more = ''): Promise<RawAnswer> {
  return rawSend(
    address,
    `GET ${path} HTTP/1.1\r\nHost: reviews\r\nConnection: close\r\n${more}\r\n`,
  );
}

/** What comes back for these bytes until the connection ends. */
export async function rawSend(address: Address, bytes: string): Promise<RawAnswer> {
  const socket = await dial(address);
  const ending = readToEnd(socket);
  socket.write(bytes, 'latin1');
  const text = (await ending).received.toString('latin1');
  const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(text)?.[1] ?? 0);
  const start = text.indexOf('{', Math.max(text.indexOf('\r\n\r\n'), 0));
  const json = start < 0 ? {} : JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
  return { status, text, json };
}
