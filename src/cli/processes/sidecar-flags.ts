import { join } from 'node:path';
import { MeshError } from '../../lib/errors.ts';
import { type Address, parseAddress } from '../address.ts';

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

const LARGEST_UID = 0xffff_fffe;

/** @throws {MeshError} ERR_USAGE quoting the text. */
export function parseUid(text: string): number {
  const uid = Number(text);
  if (/^\d{1,10}$/.test(text) && uid <= LARGEST_UID) return uid;
  throw new MeshError('ERR_USAGE', `"${text}" is not the number of a user or a group; see \`id\``);
}

const MOST_WORKERS = 256;

/** @throws {MeshError} ERR_USAGE quoting the text. */
export function parseConcurrency(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count <= MOST_WORKERS) return count;
  throw new MeshError(
    'ERR_USAGE',
    `--concurrency "${text}" is not a number of threads from 0, which is one for each core, to ${MOST_WORKERS}`,
  );
}

interface SpiffeSocketFlags {
  readonly spiffeSocket?: string;
  readonly allowUid: readonly number[];
  readonly serveRegistered?: boolean;
}

/** Where the SPIFFE socket is and for whom. */
interface SpiffeSocketSettings {
  readonly path: string;
  readonly allowedUids: readonly number[];
  readonly ownUid: number;
  readonly serveRegistered: boolean;
}

/** @throws {MeshError} ERR_USAGE when other users are to use the socket who could not reach it. */
export function spiffeSocketOf(
  options: SpiffeSocketFlags,
  stateDir: string,
  ownUid: number,
): SpiffeSocketSettings {
  const { serveRegistered = false } = options;
  const allowedUids = options.allowUid.length > 0 ? options.allowUid : [ownUid];
  const other = allowedUids.find((uid) => uid !== ownUid);
  const who = other === undefined ? 'a registered workload of another user' : `uid ${other}`;
  if (options.spiffeSocket === undefined && (other !== undefined || serveRegistered)) {
    throw new MeshError(
      'ERR_USAGE',
      `${who} cannot enter the state directory; give --spiffe-socket a path that it can reach, such as /run/hauberk/web.sock`,
    );
  }
  const path = options.spiffeSocket ?? join(stateDir, 'spiffe.sock');
  return { path, allowedUids, ownUid, serveRegistered };
}

function halves(text: string, flag: string, example: string): readonly [string, string] {
  const [left, right, ...rest] = text.split('=');
  if (left && right && rest.length === 0) return [left, right];
  throw new MeshError('ERR_USAGE', `${flag} "${text}" cannot be read; write it as ${example}`);
}
