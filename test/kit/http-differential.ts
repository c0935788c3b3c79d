import { METHODS } from 'node:http';
import fc from 'fast-check';
import { BodyReader } from '../../src/proxy/http/body-reader.ts';
import { HeadReader } from '../../src/proxy/http/head-reader.ts';
import { formatRequestHead, parseRequestHead } from '../../src/proxy/http/request-head.ts';
import { forwardedByHttp1, hostileHttp1 } from './hostile-http.ts';
import { type ReadRequest, readByNode } from './node-http-reader.ts';

// Our reading of HTTP/1 held against that of Node's own parser, llhttp.

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/;
const token = fc.stringMatching(TOKEN);
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/]{0,30}$/;
const target = fc
  .tuple(fc.stringMatching(pathCharacters), fc.option(fc.stringMatching(pathCharacters)))
  .map(([path, query]) => `/${path}${query === null ? '' : `?${query}`}`);
/** Values without blanks at their ends, which nobody keeps. */
const value = fc
  .stringMatching(/^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?$/)
  .chain((text) => fc.constantFrom(text, '', text));
const OURS = new Set([
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'expect', 'te'],
  ...['trailer', 'keep-alive', 'proxy-connection', 'http2-settings'],
]);
const fields = fc
  .array(fc.tuple(token, value), { maxLength: 8 })
  .map((all) => all.filter(([name]) => !OURS.has(name.toLowerCase())));
const blank = fc.constantFrom('', ' ', '\t', '  \t');
const text = fc
  .uint8Array({ maxLength: 300, size: 'max' })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const body = fc.oneof(
  fc.constant(undefined),
  text.map((content) => ({ content, chunks: undefined })),
  fc
    .array(
      text.filter((chunk) => chunk !== ''),
      { maxLength: 4 },
    )
    .map((chunks) => ({ content: chunks.join(''), chunks })),
);
const trailers = fc.array(fc.tuple(token, value), { maxLength: 2 });
const NO_TRAILERS =
  /^(?:host|content-.*|transfer-encoding|connection|trailer|te|upgrade|authorization|(?:set-)?cookie)$/i;

/** A request that every reader must understand, as text and as what it says. */
const validRequest = fc
  .record({ method, target, fields, body, trailers, blank, host: fc.domain() })
  .map((request) => ({ request, bytes: written(request) }));

type Written = Parameters<typeof written>[0];

function written(request: {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly blank: string;
  readonly body:
    | { readonly content: string; readonly chunks: readonly string[] | undefined }
    | undefined;
  readonly trailers: readonly (readonly [string, string])[];
}): string {
  const { blank: space } = request;
  const lines = [`${request.method} ${request.target} HTTP/1.1`, `Host:${space}${request.host}`];
  for (const [name, content] of request.fields) lines.push(`${name}:${space}${content}${space}`);
  const { content = '', chunks } = request.body ?? {};
  if (request.body === undefined) return `${lines.join('\r\n')}\r\n\r\n`;
  if (chunks === undefined) {
    return `${[...lines, `Content-Length: ${content.length}`].join('\r\n')}\r\n\r\n${content}`;
  }
  const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  const behind = request.trailers
    .filter(([name]) => !NO_TRAILERS.test(name))
    .map(([name, each]) => `${name}: ${each}\r\n`);
  return `${[...lines, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n${framed}0\r\n${behind.join('')}\r\n`;
}

/** Good requests one after the other, and where the bytes are cut. */
export const validHttp1 = fc.tuple(
  fc.array(validRequest, { minLength: 1, maxLength: 3 }),
  fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }),
);

/** Good requests are read by us as they were written, and as Node reads them. */
export async function readValid([requests, cuts]: readonly [
  readonly { readonly request: Written; readonly bytes: string }[],
  readonly number[],
]): Promise<void> {
  const bytes = Buffer.from(requests.map((each) => each.bytes).join(''), 'latin1');
  const pieces = piecesOf(bytes, cuts);
  const ours = goodForUs(pieces);
  const { requests: theirs, refused } = await readByNode(pieces);
  if (refused) throw new Error('Node refuses what should be good');
  const expected = requests.map(({ request }) => ({
    ...{ method: request.method, target: request.target, host: request.host },
    ...{ fields: request.fields, body: request.body?.content ?? '' },
  }));
  const wanted = JSON.stringify(expected.map(comparable));
  if (JSON.stringify(ours.map(comparable)) !== wanted) throw new Error('we read something else');
  if (JSON.stringify(theirs.map(comparable)) !== wanted)
    throw new Error('Node reads something else');
}

export const hostileForwarding = hostileHttp1;

/** Whatever a client sends, what goes on is read by Node as requests for `/open` that are whole HTTP. */
export async function forwardToNode(input: Parameters<typeof forwardedByHttp1>[0]): Promise<void> {
  const bytes = forwardedByHttp1(input);
  if (bytes.length === 0) return;
  const { requests, refused, opaque } = await readByNode([bytes]);
  for (const { method: verb, target: asked } of requests) {
    const open = verb === 'CONNECT' || /^\/open(?:\?|$)/.test(asked);
    if (!open) throw new Error(`Node is led to ${asked.slice(0, 100)}`);
  }
  // a body that broke off is refused by Node at the end; what is whole must be none
  if (refused && !opaque && requests.length < wholeRequestsIn(bytes)) {
    throw new Error('Node refuses what goes on');
  }
}

function wholeRequestsIn(bytes: Buffer): number {
  let at = 0;
  let count = 0;
  while (at < bytes.length) {
    const taken = new HeadReader().take(bytes, at);
    if (taken === undefined) return count;
    const head = parseRequestHead(taken.text);
    // Node knows some methods by name and refuses all others
    if (!METHODS.includes(head.method)) return count;
    const reader = new BodyReader(head.body);
    at = reader.take(bytes, taken.end);
    if (!reader.done) return count;
    count += 1;
    if (head.method === 'CONNECT' || head.upgrade !== undefined) return count;
  }
  return count;
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (at >= bytes.length) break;
    pieces.push(bytes.subarray(at, at + cut));
    at += cut;
  }
  return pieces;
}

/** A refusal is no answer to something good. */
function goodForUs(pieces: readonly Buffer[]): readonly ReadRequest[] {
  try {
    return readByUs(pieces);
  } catch (cause) {
    throw new Error('we refuse what is good', { cause });
  }
}

/** Our readers over bytes that come in pieces. What goes on of a head is what is compared. */
function readByUs(pieces: readonly Buffer[]): readonly ReadRequest[] {
  const requests: ReadRequest[] = [];
  let heads = new HeadReader();
  let current:
    | { head: ReturnType<typeof parseRequestHead>; body: BodyReader; content: Buffer[] }
    | undefined;
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length || current?.body.done === true) {
      if (current === undefined) {
        const taken = heads.take(piece, at);
        if (taken === undefined) break;
        heads = new HeadReader();
        at = taken.end;
        const head = parseRequestHead(taken.text);
        const content: Buffer[] = [];
        const told = (chunk: Buffer) => content.push(Buffer.from(chunk));
        current = { head, content, body: new BodyReader(head.body, { content: told }) };
      }
      at = current.body.take(piece, at);
      if (!current.body.done) break;
      const again = parseRequestHead(formatRequestHead(current.head).toString('latin1'));
      requests.push({
        ...{ method: again.method, target: again.target, host: again.authority },
        fields: again.fields.all().map(([name, each]) => [name.toLowerCase(), each] as const),
        body: Buffer.concat(current.content).toString('latin1'),
      });
      current = undefined;
    }
  }
  return requests;
}

/** Framing and what is for one hop are ours; everything else is the client's. */
function comparable(request: ReadRequest): unknown {
  const { method: verb, target: asked, host, body: content } = request;
  const kept = request.fields
    .map(([name, each]) => [name.toLowerCase(), each] as const)
    .filter(([name]) => !OURS.has(name));
  return [verb, asked, host, kept, content];
}
