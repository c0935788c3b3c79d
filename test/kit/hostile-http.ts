import fc from 'fast-check';
import { normalizeTarget } from '../../src/policy/authorization/normalize-path.ts';
import type { Channel, ChannelHandlers } from '../../src/proxy/bytes/channel.ts';
import type { Deadlines } from '../../src/proxy/deadlines.ts';
import { encodeFields } from '../../src/proxy/hbone/hpack/encode-fields.ts';
import { BodyReader } from '../../src/proxy/http/body-reader.ts';
import { HeadReader } from '../../src/proxy/http/head-reader.ts';
import type { HttpGuard } from '../../src/proxy/http/http-guard.ts';
import { Http1Mode } from '../../src/proxy/http/http1-mode.ts';
import { Http2Mode } from '../../src/proxy/http/http2-mode.ts';
import { formatRequestHead, parseRequestHead } from '../../src/proxy/http/request-head.ts';
import { parseResponseHead } from '../../src/proxy/http/response-head.ts';
import { mutatedBytes, mutatedText } from './hostile-bytes.ts';
import { smuggling } from './smuggling-corpus.ts';

const valid = [
  'GET /open?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n',
  'POST /open HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello',
  'PUT http://a/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'GET /open HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'GET /open HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n',
];
const answers = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
];
const attempts = smuggling.map(({ head, body }) => head + body);

/** Streams of requests, good and bad, changed. */
export const hostileHttp1: fc.Arbitrary<readonly [string, readonly number[]]> = fc.tuple(
  fc.oneof(
    mutatedText([...valid, ...attempts]),
    fc
      .tuple(fc.constantFrom(...valid), mutatedText([...valid, ...attempts]))
      .map((parts) => parts.join('')),
  ),
  fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }),
);
export const hostileHeads: fc.Arbitrary<string> = fc.oneof(
  mutatedText([...valid, ...attempts].map((text) => text.slice(0, text.indexOf('\r\n\r\n') + 4))),
  fc.string().map((text) => `GET /${text} HTTP/1.1\r\nHost: a\r\n\r\n`),
);
export const hostileAnswers: fc.Arbitrary<string> = mutatedText(answers);
export const hostilePaths: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%2e',
        '%2E%2e',
        '%2f',
        '%5c',
        '\\',
        '//',
        '%00',
        '%c0%ae',
        '%25',
        '%',
      ),
      fc.stringMatching(/^[\x21-\x7e]{0,4}$/),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join('')}`);

/** Frames of requests by HTTP/2, changed. */
export const hostileHttp2: fc.Arbitrary<Uint8Array> = mutatedBytes(
  ['/open', '/admin'].flatMap((path) => {
    const fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'a'],
      ['x', 'y'],
    ] as const;
    const block = encodeFields(fields);
    const head = Buffer.from([0, 0, block.length, 1, 4, 0, 0, 0, 1]);
    const data = Buffer.from('\0\0\x05\0\x01\0\0\0\x01hello', 'latin1');
    return [Buffer.concat([head, block, data]), Buffer.concat([head, block])];
  }),
);

/** What is forwarded of a head must be read in one way only, and again the same. */
export function readHead(text: string): void {
  const head = parseRequestHead(text);
  const forwarded = formatRequestHead(head).toString('latin1');
  const again = parseRequestHead(forwarded);
  const same = formatRequestHead(again).toString('latin1');
  if (same !== forwarded) throw new Error('what is forwarded reads otherwise');
  if (JSON.stringify(again.body) !== JSON.stringify(head.body)) throw new Error('another body');
  if (/[^\r]\n|\r[^\n]|\0/.test(forwarded)) throw new Error('a bare CR, LF or NUL goes on');
}

/** No path that is forwarded leads elsewhere than the one that is judged, for who resolves it again. */
export function readTarget(text: string): void {
  for (const how of ['BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const) {
    const normalized = normalizeTarget(text, how);
    if ('problem' in normalized) continue;
    const again = normalizeTarget(normalized.path, how);
    if ('problem' in again || again.path !== normalized.path) throw new Error('not the same again');
    const resolved = new URL(`http://a${normalized.path}`).pathname;
    if (decodeDots(resolved) !== decodeDots(normalized.path))
      throw new Error(`resolves to ${resolved}`);
  }
}

/** The characters that URL escapes and we leave as they are. */
function decodeDots(path: string): string {
  return path.replace(
    /[^!-~]|["<>^`{}|]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A channel to nowhere that keeps what is written to it. */
class Sink implements Channel {
  readonly written: Buffer[] = [];
  start(_: ChannelHandlers): void {}
  write(chunk: Uint8Array): boolean {
    this.written.push(Buffer.from(chunk));
    return true;
  }
  end(): void {}
  pause(): void {}
  resume(): void {}
  reset(): void {}
}

const never = {
  set: () => ({ cancel: () => undefined }),
  close: () => undefined,
} as unknown as Deadlines;
const under = { recheck: () => undefined, ended: () => undefined };

/** Lets `/open` go on and nothing else. */
const onlyOpen: HttpGuard = {
  judge(request) {
    const { target, fields } = request;
    const open = /^\/open(?:\?|$)/.test(target) || request.method === 'CONNECT';
    return open
      ? { verdict: 'forward', request: { target, fields }, answerFields: [], under }
      : { verdict: 'answer', answer: { status: 403, fields: [], body: 'no' }, under };
  },
  isReserved: () => false,
  malformed: () => undefined,
};

/** Whatever a client sends, the application sees requests for `/open` only, of which each is whole HTTP. */
export function playHttp1(input: readonly [string, readonly number[]]): void {
  checkForwarded(forwardedByHttp1(input));
}

/** What the application gets of what a client sends in pieces. */
export function forwardedByHttp1([text, cuts]: readonly [string, readonly number[]]): Buffer {
  const [source, destination] = [new Sink(), new Sink()];
  const mode = new Http1Mode({
    source,
    destination,
    guard: onlyOpen,
    headDeadlines: never,
    lingerDeadlines: never,
  });
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (at < bytes.length) mode.fromSource(bytes.subarray(at, at + cut), false);
    at += cut;
    // The application answers as soon as it has a head, so that the next request is looked at.
    if (destination.written.length > 0)
      mode.fromDestination(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'), false);
  }
  mode.over();
  return Buffer.concat(destination.written);
}

function checkForwarded(bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const reader = new HeadReader();
    const taken = reader.take(bytes, at);
    if (taken === undefined) return;
    const head = parseRequestHead(taken.text);
    const open = /^\/open(?:\?|$)/.test(head.target) || head.method === 'CONNECT';
    if (!open) throw new Error(`${head.target} went on`);
    // What follows a CONNECT or an upgrade is no HTTP.
    if (head.method === 'CONNECT' || head.upgrade !== undefined) return;
    at = new BodyReader(head.body).take(bytes, taken.end);
  }
}

export function readAnswer(text: string): void {
  parseResponseHead(text, { method: 'GET', upgrade: undefined });
}

/** Frames of anybody, after a good beginning. */
export function playHttp2(frames: Uint8Array): void {
  const mode = new Http2Mode({ source: new Sink(), destination: new Sink(), guard: onlyOpen });
  mode.fromSource(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'));
  mode.fromSource(Buffer.from(frames));
  mode.fromDestination(Buffer.from('\0\0\0\x04\0\0\0\0\0', 'latin1'));
  mode.fromDestination(Buffer.from(frames));
  mode.over();
}
