import type { Fields } from './fields.ts';
import { httpFault, shown } from './http-fault.ts';

/** What a message says of the connection it came on (RFC 9110, 7.6.1). */
export interface ConnectionWish {
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** Whether the Upgrade field is meant for the next hop, which is us. */
  readonly upgrade: boolean;
  /** Other fields that are for this hop only, in lower case. */
  readonly named: readonly string[];
}

const NOTHING: ConnectionWish = Object.freeze({
  ...{ close: false, keepAlive: false, upgrade: false, named: [] },
});
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Without these a message would mean something else. */
const NEEDED: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'trailer', 'connection'],
]);

/** @throws {MeshError} ERR_WIRE when the field names what cannot be left out, or no name at all. */
export function readConnection(fields: Fields): ConnectionWish {
  const value = fields.get('connection');
  if (value === undefined) return NOTHING;
  const tokens = value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  const named: string[] = [];
  for (const token of tokens) {
    if (token === 'close' || token === 'keep-alive' || token === 'upgrade') continue;
    if (!TOKEN.test(token) || NEEDED.has(token)) throw httpFault(`Connection: ${shown(value)}`);
    named.push(token);
  }
  return {
    close: tokens.includes('close'),
    keepAlive: tokens.includes('keep-alive'),
    upgrade: tokens.includes('upgrade'),
    named,
  };
}
