/** Bytes that two readers of HTTP/1 could understand differently, or that are no HTTP at all. */
export interface SmugglingCase {
  readonly name: string;
  /** What is wrong is in the head, or in the body that comes with it. */
  readonly layer: 'head' | 'body';
  readonly head: string;
  readonly body: string;
}

const SMUGGLED = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

function inHead(name: string, lines: string, body = ''): SmugglingCase {
  return { name, layer: 'head', head: `POST /open HTTP/1.1\r\n${lines}\r\n`, body };
}

function inBody(name: string, body: string): SmugglingCase {
  const head = 'POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  return { name, layer: 'body', head, body };
}

function firstLine(name: string, line: string): SmugglingCase {
  return { name, layer: 'head', head: `${line}\r\nHost: a\r\n\r\n`, body: '' };
}

const CHUNKED_BODY = `0\r\n\r\n${SMUGGLED}`;
const CL = 'Content-Length';
const TE = 'Transfer-Encoding';

export const smuggling: readonly SmugglingCase[] = [
  inHead('CL.TE', `Host: a\r\n${CL}: 6\r\n${TE}: chunked\r\n`, CHUNKED_BODY),
  inHead('TE.CL', `Host: a\r\n${TE}: chunked\r\n${CL}: 4\r\n`, `5c\r\n${SMUGGLED}`),
  inHead('TE.TE with an unknown one', `Host: a\r\n${TE}: chunked\r\n${TE}: x\r\n`, CHUNKED_BODY),
  inHead('TE twice', `Host: a\r\n${TE}: chunked\r\n${TE}: chunked\r\n`, CHUNKED_BODY),
  inHead('TE: chunked, chunked', `Host: a\r\n${TE}: chunked, chunked\r\n`, CHUNKED_BODY),
  inHead('TE: gzip, chunked', `Host: a\r\n${TE}: gzip, chunked\r\n`, CHUNKED_BODY),
  inHead('TE: chunked, identity', `Host: a\r\n${TE}: chunked, identity\r\n`, CHUNKED_BODY),
  inHead('TE: identity', `Host: a\r\n${TE}: identity\r\n`),
  inHead('TE: xchunked', `Host: a\r\n${TE}: xchunked\r\n`, CHUNKED_BODY),
  inHead('TE: "chunked"', `Host: a\r\n${TE}: "chunked"\r\n`, CHUNKED_BODY),
  inHead('TE with a vertical tab', `Host: a\r\n${TE}: \x0bchunked\r\n`, CHUNKED_BODY),
  inHead('TE with a form feed', `Host: a\r\n${TE}: chunked\x0c\r\n`, CHUNKED_BODY),
  inHead('TE with a no-break space', `Host: a\r\n${TE}: \xa0chunked\r\n`, CHUNKED_BODY),
  inHead('TE after a folded line', `Host: a\r\n${TE}:\r\n chunked\r\n`, CHUNKED_BODY),
  inHead('TE with a space before the colon', `Host: a\r\n${TE} : chunked\r\n`, CHUNKED_BODY),
  inHead('TE with a tab before the colon', `Host: a\r\n${TE}\t: chunked\r\n`, CHUNKED_BODY),
  inHead('TE with a space before its name', `Host: a\r\nX: y\r\n ${TE}: chunked\r\n`, CHUNKED_BODY),
  inHead('TE first and folded', ` ${TE}: chunked\r\nHost: a\r\n`, CHUNKED_BODY),
  inHead('TE behind a bare CR', `Host: a\r\nX: y\r${TE}: chunked\r\n`, CHUNKED_BODY),
  inHead('TE behind a bare LF', `Host: a\r\nX: y\n${TE}: chunked\r\n`, CHUNKED_BODY),
  inHead('TE with a NUL in its name', `Host: a\r\nTransfer\0-Encoding: chunked\r\n`, CHUNKED_BODY),
  inHead('a NUL in a value', 'Host: a\r\nX: a\0b\r\n'),
  inHead('DEL in a value', 'Host: a\r\nX: a\x7fb\r\n'),
  inHead('several lengths', `Host: a\r\n${CL}: 5\r\n${CL}: 6\r\n`, 'hello!'),
  inHead('the same length twice', `Host: a\r\n${CL}: 5\r\n${CL}: 5\r\n`, 'hello'),
  inHead('a list of lengths', `Host: a\r\n${CL}: 5, 6\r\n`, 'hello!'),
  inHead('a list of the same length', `Host: a\r\n${CL}: 5, 5\r\n`, 'hello'),
  inHead('a length with a sign', `Host: a\r\n${CL}: +5\r\n`, 'hello'),
  inHead('a negative length', `Host: a\r\n${CL}: -1\r\n`),
  inHead('a length in hex', `Host: a\r\n${CL}: 0x5\r\n`, 'hello'),
  inHead('a length with an underscore', `Host: a\r\n${CL}: 1_0\r\n`, 'hello'),
  inHead('a length with a space in it', `Host: a\r\n${CL}: 1 0\r\n`, 'hello'),
  inHead('a length with a point', `Host: a\r\n${CL}: 5.0\r\n`, 'hello'),
  inHead('an empty length', `Host: a\r\n${CL}:\r\n`),
  inHead('a length that overflows', `Host: a\r\n${CL}: 18446744073709551621\r\n`, 'hello'),
  inHead('a length in other digits', `Host: a\r\n${CL}: \xb2\r\n`, 'hi'),
  inHead('two hosts', 'Host: a\r\nHost: b\r\n'),
  inHead('the same host twice', 'Host: a\r\nhost: a\r\n'),
  inHead('no host', 'X: y\r\n'),
  inHead('a list of hosts', 'Host: a, b\r\n'),
  inHead('a host with user info', 'Host: a@b\r\n'),
  inHead('a host with a path', 'Host: a/b\r\n'),
  inHead('a host with a space', 'Host: a b\r\n'),
  inHead('a line without a colon', 'Host: a\r\nX\r\n'),
  inHead('an empty name', 'Host: a\r\n: y\r\n'),
  inHead('a name with a parenthesis', 'Host: a\r\n(x): y\r\n'),
  inHead('a name with a high byte', 'Host: a\r\nX\xe9: y\r\n'),
  inHead(
    'Connection that names the length',
    `Host: a\r\n${CL}: 5\r\nConnection: content-length\r\n`,
    'hello',
  ),
  inHead('Connection that names Host', 'Host: a\r\nConnection: host\r\n'),
  inHead('another expectation', 'Host: a\r\nExpect: 200-maybe\r\n'),
  firstLine('HTTP/0.9', 'GET /open'),
  firstLine('HTTP/0.9 by name', 'GET /open HTTP/0.9'),
  firstLine('HTTP/1.2', 'GET /open HTTP/1.2'),
  firstLine('HTTP/2.0 in a line', 'GET /open HTTP/2.0'),
  firstLine('HTTP/1.1 in lower case', 'GET /open http/1.1'),
  firstLine('two spaces', 'GET  /open HTTP/1.1'),
  firstLine('a tab for a space', 'GET\t/open HTTP/1.1'),
  firstLine('a space in the path', 'GET /open more HTTP/1.1'),
  firstLine('a space at the end', 'GET /open HTTP/1.1 '),
  firstLine('a space at the beginning', ' GET /open HTTP/1.1'),
  firstLine('a lower-case method', 'get /open HTTP/1.1'),
  firstLine('a method with a colon', 'GET: /open HTTP/1.1'),
  firstLine('a relative target', 'GET open HTTP/1.1'),
  firstLine('an asterisk without OPTIONS', 'GET * HTTP/1.1'),
  firstLine('another scheme', 'GET ftp://a/open HTTP/1.1'),
  firstLine('a target at another host', 'GET http://b/open HTTP/1.1'),
  firstLine('a target with user info', 'GET http://x@a/open HTTP/1.1'),
  firstLine('CONNECT without a port', 'CONNECT a HTTP/1.1'),
  firstLine('a high byte in the path', 'GET /\xc0\xaf HTTP/1.1'),
  firstLine('a bare CR in the first line', 'GET /open\rHTTP/1.1'),
  {
    name: 'TE in HTTP/1.0',
    layer: 'head',
    head: `POST /open HTTP/1.0\r\nHost: a\r\n${TE}: chunked\r\n\r\n`,
    body: CHUNKED_BODY,
  },
  inBody('a chunk size in 0x', `0x5\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size with a sign', `+5\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size with a space before it', ` 5\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size with a space behind it', `5 \r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size with an underscore', `1_0\r\nhello\r\n0\r\n\r\n`),
  inBody('an empty chunk size', `\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size that overflows', `10000000000000005\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size that ends with LF', `5\nhello\r\n0\r\n\r\n`),
  inBody('a chunk size that ends with CR', `5\rhello\r\n0\r\n\r\n`),
  inBody('a bare LF in an extension', `5;x\ny\r\nhello\r\n0\r\n\r\n`),
  inBody('a bare CR in an extension', `5;x\ry\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk longer than its size', `3\r\nhello\r\n0\r\n\r\n`),
  inBody('a chunk that ends with LF', `5\r\nhello\n0\r\n\r\n`),
  inBody('a chunk that ends with two other bytes', `5\r\nhelloXX0\r\n\r\n`),
  inBody('a trailer that is a length', `0\r\n${CL}: 5\r\n\r\n`),
  inBody('a trailer that is a host', '0\r\nHost: b\r\n\r\n'),
  inBody('a trailer that is an identity', '0\r\nX-Forwarded-Client-Cert: By=me\r\n\r\n'),
  inBody('a trailer without a colon', '0\r\nX\r\n\r\n'),
  inBody('a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'),
  inBody('trailers that end with LF', '0\r\nX: a\n\n'),
  inBody('an end with LF', `0\r\n\n${SMUGGLED}`),
];
