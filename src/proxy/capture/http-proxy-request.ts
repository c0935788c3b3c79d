import { type Address, formatAddress, parseAuthority } from '../address.ts';
import type { Reading } from './read-message.ts';

/** What a client asks of an HTTP proxy (RFC 9110, 9.3.6; RFC 9112, 3.2.2 and 3.2.3). */
export type HttpProxyRequest =
  | { readonly kind: 'connect'; readonly target: Address }
  | {
      readonly kind: 'forward';
      readonly target: Address;
      /** The head as the origin server is to get it: one request, then the connection ends. */
      readonly head: string;
    };

const HEAD_END = '\r\n\r\n';
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.([01])$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const ABSOLUTE = /^http:\/\/([^/?#@]+)([^#]*)$/i;
const HTTP_PORT = 80;
/** Of this connection only, which ends after the request. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(
  'connection keep-alive proxy-connection proxy-authorization proxy-authenticate upgrade te host'.split(
    ' ',
  ),
);

/** Reads a request head, which ends with an empty line. */
export function readHttpProxyRequest(bytes: Buffer): Reading<HttpProxyRequest> {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, method = '', target = '', minor] = REQUEST_LINE.exec(first) ?? [];
  if (minor === undefined) return { refused: 'this is no HTTP/1.1 request' };
  const length = end + HEAD_END.length;
  if (method === 'CONNECT') {
    const address = parseAuthority(target);
    if (address === undefined) return { refused: 'CONNECT needs host:port' };
    return { message: { kind: 'connect', target: address }, bytes: length };
  }
  const fields = lines.map((line) => FIELD.exec(line));
  if (fields.includes(null)) return { refused: 'a header field that cannot be read' };
  return forward(
    { method, target, minor },
    fields.map((field) => [field?.[1] ?? '', field?.[2] ?? '']),
    length,
  );
}

type Field = readonly [name: string, value: string];

function forward(
  line: { readonly method: string; readonly target: string; readonly minor: string },
  fields: readonly Field[],
  bytes: number,
): Reading<HttpProxyRequest> {
  const [, authority, rest = ''] = ABSOLUTE.exec(line.target) ?? [];
  if (authority === undefined) {
    return {
      refused:
        'this is a proxy: send the whole http:// URL, or CONNECT host:port for everything else',
    };
  }
  const target = parseAuthority(authority) ?? parseAuthority(`${authority}:${HTTP_PORT}`);
  if (target === undefined) return { refused: 'the URL names no host' };
  const problem = ambiguousBody(fields);
  if (problem !== undefined) return { refused: problem };
  const dropped = new Set([...HOP_BY_HOP, ...connectionOptions(fields)]);
  const host = target.port === HTTP_PORT ? authority.replace(/:80$/, '') : formatAddress(target);
  const head = [
    `${line.method} ${rest.startsWith('/') ? rest : `/${rest}`} HTTP/1.${line.minor}`,
    `host: ${host}`,
    ...fields
      .filter(([name]) => !dropped.has(name.toLowerCase()))
      .map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ].join('\r\n');
  return { message: { kind: 'forward', target, head: `${head}${HEAD_END}` }, bytes };
}

/** Two servers that disagree on where a body ends can be played off against each other. */
function ambiguousBody(fields: readonly Field[]): string | undefined {
  const named = (wanted: string): readonly Field[] =>
    fields.filter(([name]) => name.toLowerCase() === wanted);
  const lengths = named('content-length');
  if (lengths.length > 1 || (lengths.length === 1 && named('transfer-encoding').length > 0)) {
    return 'the request says in two ways how long its body is';
  }
  return undefined;
}

/** Names of fields that the client declares to be of this connection only. */
function connectionOptions(fields: readonly Field[]): readonly string[] {
  return fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(','))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== 'content-length' && name !== 'transfer-encoding');
}
