import { MeshError } from '../lib/errors.ts';
import { type Address, parseAddress } from './address.ts';

/** `[NAME:]HOST:PORT=HOST:PORT`: where peers come in, and where the application listens. */
export interface InboundFlag {
  /** Under this name the port is registered, for Services whose targetPort is a name. */
  readonly name: string;
  readonly listen: Address;
  readonly app: Address;
}

/** `HOST:PORT=SERVICE:PORT`: where the application connects, and which service that is. */
export interface OutboundFlag {
  readonly listen: Address;
  readonly service: Address;
}

const NAMED = /^([a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?):(.+:\d+)$/;

/** @throws {MeshError} ERR_USAGE quoting the text. */
export function parseInbound(text: string): InboundFlag {
  const [left, right] = halves(text, '--inbound', '0.0.0.0:8080=127.0.0.1:9080');
  const [, name, address] = NAMED.exec(left) ?? [];
  const listen = parseAddress(address ?? left);
  return { name: name ?? `port-${listen.port}`, listen, app: parseAddress(right) };
}

/** @throws {MeshError} ERR_USAGE quoting the text. */
export function parseOutbound(text: string): OutboundFlag {
  const example = '127.0.0.1:7001=products.default.svc.cluster.local:8080';
  const [left, right] = halves(text, '--outbound', example);
  return { listen: parseAddress(left), service: parseAddress(right) };
}

function halves(text: string, flag: string, example: string): readonly [string, string] {
  const [left, right, ...rest] = text.split('=');
  if (left && right && rest.length === 0) return [left, right];
  throw new MeshError('ERR_USAGE', `${flag} "${text}" cannot be read; write it as ${example}`);
}
