import { type BodyFraming, declaredFraming, NO_BODY } from './body-framing.ts';
import { type ConnectionWish, readConnection } from './connection-fields.ts';
import type { Fields } from './fields.ts';
import { EXPECTATION_FAILED, httpFault, shown } from './http-fault.ts';
import type { HttpRequest } from './http-request.ts';
import { parseFields } from './parse-fields.ts';
import { checkAuthority, readTarget } from './request-target.ts';

/** The head of an HTTP/1 request, in one meaning only. */
export interface RequestHead extends HttpRequest {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1';
  readonly body: BodyFraming;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
  /** What the client wants to go over to; undefined when nothing, or nothing that we let through. */
  readonly upgrade: string | undefined;
}

/** Methods are upper-case here: who compares them without case must not be told another one. */
const REQUEST_LINE = /^([A-Z][A-Z0-9_-]{0,31}) ([\x21-\x7e]+) (HTTP\/1\.[01])\r\n/;
/**
 * The client may not go over to HTTP/2 or TLS within the connection: what follows would be judged no
 * more. A server that is not asked answers in HTTP/1, which every client of these must take.
 */
const UNJUDGED_UPGRADE = /^(?:h2c?|http|tls)(?:$|\/)/i;
/** Fields for one hop, besides those that Connection names. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade'];

/**
 * Reads the head of a request (RFC 9112). What could be understood in two ways is refused. Host and the
 * fields for this hop are taken out of the fields.
 *
 * @throws {MeshError} ERR_WIRE, see `statusOfFault`.
 */
export function parseRequestHead(text: string): RequestHead {
  const [line, method, target, version] = REQUEST_LINE.exec(text) ?? [];
  if (line === undefined || method === undefined || target === undefined) {
    throw httpFault(`${shown(text.slice(0, text.indexOf('\r\n')))} is no request line of HTTP/1`);
  }
  const protocol = version === 'HTTP/1.0' ? version : 'HTTP/1.1';
  const fields = parseFields(text, line.length);
  const asked = readTarget(method, target);
  const authority = authorityOf(fields, protocol, asked.authority);
  const body = declaredFraming(fields, protocol) ?? NO_BODY;
  const wish = readConnection(fields);
  checkExpectation(fields);
  const upgrade = wish.upgrade ? letThrough(fields.get('upgrade')) : undefined;
  removeHopByHop(fields, wish);
  return {
    ...{ protocol, method, target: asked.target, authority, scheme: asked.scheme },
    ...{ fields, body, upgrade },
    keepAlive: !wish.close && (protocol === 'HTTP/1.1' || wish.keepAlive),
  };
}

/** The head as it goes on: what was read and nothing else. */
export function formatRequestHead(head: RequestHead): Buffer {
  const { method, target, protocol, authority, fields, keepAlive, upgrade } = head;
  let text = `${method} ${target} ${protocol}\r\n`;
  if (authority !== undefined) text += `Host: ${authority}\r\n`;
  for (const [name, value] of fields.all()) text += `${name}: ${value}\r\n`;
  if (upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  else if (!keepAlive) text += 'Connection: close\r\n';
  else if (protocol === 'HTTP/1.0') text += 'Connection: keep-alive\r\n';
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function authorityOf(
  fields: Fields,
  protocol: string,
  targeted: string | undefined,
): string | undefined {
  const hosts = fields.values('host');
  if (hosts.length > 1) throw httpFault(`${hosts.length} Host fields`);
  const [host] = hosts;
  if (host === undefined && protocol === 'HTTP/1.1') throw httpFault('no Host field');
  if (host !== undefined) checkAuthority(host);
  fields.delete('host');
  if (targeted === undefined) return host;
  // RFC 9112, 3.2.2 lets the target win, but the application may think otherwise.
  if (host !== undefined && host.toLowerCase() !== targeted.toLowerCase()) {
    throw httpFault(`the target is at ${shown(targeted)} and Host is ${shown(host)}`);
  }
  return host ?? targeted;
}

function checkExpectation(fields: Fields): void {
  const expected = fields.get('expect');
  if (expected === undefined || expected.toLowerCase() === '100-continue') return;
  throw httpFault(`Expect: ${shown(expected)}`, EXPECTATION_FAILED);
}

function letThrough(upgrade: string | undefined): string | undefined {
  if (upgrade === undefined) return undefined;
  const wanted = upgrade.split(',').map((name) => name.trim());
  const judged = wanted.filter((name) => name !== '' && !UNJUDGED_UPGRADE.test(name));
  return judged.length === 0 ? undefined : judged.join(', ');
}

function removeHopByHop(fields: Fields, { named }: ConnectionWish): void {
  const trailers = fields.get('te')?.toLowerCase() === 'trailers';
  for (const name of HOP_BY_HOP) fields.delete(name);
  for (const name of named) fields.delete(name);
  if (trailers) fields.append('TE', 'trailers');
  fields.delete('http2-settings');
}
