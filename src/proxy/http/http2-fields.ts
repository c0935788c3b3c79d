import { declaredFraming } from './body-framing.ts';
import { type Field, Fields } from './fields.ts';
import { httpFault, shown } from './http-fault.ts';
import type { HttpRequest } from './http-request.ts';
import { checkAuthority } from './request-target.ts';

/** A request of HTTP/2; CONNECT may ask for a protocol (RFC 8441). */
export interface Http2Request extends HttpRequest {
  readonly protocol: 'HTTP/2';
  readonly extended: string | undefined;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const TARGET = /^[\x21-\x7e]+$/;
const METHOD = /^[A-Z][A-Z0-9_-]{0,31}$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]{0,15}$/;
const STATUS = /^[1-9][0-9]{2}$/;
const OF_HTTP1: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'],
]);
const OF_REQUESTS: ReadonlySet<string> = new Set([
  ...[':method', ':scheme', ':authority', ':path', ':protocol'],
]);
const OF_ANSWERS: ReadonlySet<string> = new Set([':status']);
const OF_TRAILERS: ReadonlySet<string> = new Set();

/** Reads a request by RFC 9113, 8.2 and 8.3. @throws {MeshError} ERR_WIRE when it is malformed. */
export function readHttp2Request(list: readonly Field[]): Http2Request {
  const { pseudo, fields } = separated(list, OF_REQUESTS);
  const method = pseudo.get(':method') ?? '';
  const path = pseudo.get(':path');
  const scheme = pseudo.get(':scheme');
  const extended = pseudo.get(':protocol');
  if (!METHOD.test(method)) throw httpFault(`the method ${shown(method)}`);
  const authority = authorityOf(pseudo.get(':authority'), fields);
  declaredFraming(fields, 'HTTP/2');
  const known = { protocol: 'HTTP/2', method, authority, fields, extended } as const;
  if (method === 'CONNECT' && extended === undefined) {
    if (path !== undefined || scheme !== undefined || authority === undefined) {
      throw httpFault('CONNECT needs :authority, without :scheme and :path');
    }
    return { ...known, target: authority, scheme: undefined };
  }
  if (extended !== undefined && method !== 'CONNECT') throw httpFault(':protocol without CONNECT');
  if (path === undefined || !isTarget(path, method))
    throw httpFault(`the path ${shown(path ?? '')}`);
  if (scheme === undefined || !SCHEME.test(scheme)) throw httpFault('a request without :scheme');
  return { ...known, target: path, scheme };
}

function isTarget(path: string, method: string): boolean {
  return TARGET.test(path) && (path.startsWith('/') || (path === '*' && method === 'OPTIONS'));
}

/** The request as it goes on, pseudo fields first. */
export function formatHttp2Request(request: Http2Request): readonly Field[] {
  const { method, target, authority, scheme, extended, fields } = request;
  const plainConnect = method === 'CONNECT' && extended === undefined;
  const pseudo: Field[] = [[':method', method]];
  if (scheme !== undefined) pseudo.push([':scheme', scheme]);
  if (authority !== undefined) pseudo.push([':authority', authority]);
  if (!plainConnect) pseudo.push([':path', target]);
  if (extended !== undefined) pseudo.push([':protocol', extended]);
  return [...pseudo, ...lowerCased(fields)];
}

/** The status and the fields of an answer. @throws {MeshError} ERR_WIRE */
export function readHttp2Answer(list: readonly Field[]): number {
  const status = separated(list, OF_ANSWERS).pseudo.get(':status') ?? '';
  if (!STATUS.test(status)) throw httpFault(`the status ${shown(status)}`);
  return Number(status);
}

/** @throws {MeshError} ERR_WIRE for what may not be in trailers. */
export function checkHttp2Trailers(
  list: readonly Field[],
  isReserved: (name: string) => boolean,
): void {
  const { fields } = separated(list, OF_TRAILERS);
  for (const [name] of fields.all()) {
    if (name === 'content-length' || name === 'host' || isReserved(name)) {
      throw httpFault(`the trailer ${shown(name)}`);
    }
  }
}

function lowerCased(fields: Fields): readonly Field[] {
  return fields.all().map(([name, value]) => [name.toLowerCase(), value] as const);
}

function authorityOf(named: string | undefined, fields: Fields): string | undefined {
  const hosts = fields.values('host');
  const [host] = hosts;
  if (hosts.length > 1) throw httpFault(`${hosts.length} host fields`);
  if (named !== undefined && host !== undefined && named.toLowerCase() !== host.toLowerCase()) {
    throw httpFault(`:authority ${shown(named)} and host ${shown(host)}`);
  }
  fields.delete('host');
  const authority = named ?? host;
  if (authority !== undefined) checkAuthority(authority);
  return authority;
}

function separated(
  list: readonly Field[],
  known: ReadonlySet<string>,
): { readonly pseudo: ReadonlyMap<string, string>; readonly fields: Fields } {
  const pseudo = new Map<string, string>();
  const fields = new Fields();
  for (const [name, value] of list) {
    if (!VALUE.test(value)) throw httpFault(`the value of ${shown(name)}`);
    if (name.startsWith(':')) {
      if (fields.size > 0 || !known.has(name) || pseudo.has(name)) {
        throw httpFault(`${shown(name)} out of place`);
      }
      pseudo.set(name, value);
      continue;
    }
    if (!NAME.test(name) || OF_HTTP1.has(name) || (name === 'te' && value !== 'trailers')) {
      throw httpFault(`the field ${shown(name)}`);
    }
    fields.append(name, value);
  }
  return { pseudo, fields };
}
