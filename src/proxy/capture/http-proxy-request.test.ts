import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHttpProxyRequest } from './http-proxy-request.ts';

function read(...lines: readonly string[]): ReturnType<typeof readHttpProxyRequest> {
  return readHttpProxyRequest(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
}

/** The head that the origin server gets, as lines. */
function forwarded(...lines: readonly string[]): readonly string[] {
  const reading = read(...lines);
  if (reading === undefined || !('message' in reading)) throw new Error(JSON.stringify(reading));
  const { message } = reading;
  return message.kind === 'forward' ? message.head.split('\r\n') : [];
}

describe('CONNECT', () => {
  it.each([
    ['products.shop:8080', { host: 'products.shop', port: 8080 }],
    ['PRODUCTS:443', { host: 'products', port: 443 }],
    ['[fd00::1]:443', { host: 'fd00::1', port: 443 }],
  ])('to %s says where', (target, address) => {
    expect(read(`CONNECT ${target} HTTP/1.1`, 'Host: x')).toMatchObject({
      message: { kind: 'connect', target: address },
    });
  });

  it.each(['products', 'products:0', 'products:99999', 'http://products:80', 'a b:80'])(
    'to %s is refused',
    (target) => expect(read(`CONNECT ${target} HTTP/1.1`)).toHaveProperty('refused'),
  );

  it('leaves what follows to the connection', () => {
    const head = 'CONNECT a:1 HTTP/1.1\r\n\r\n';
    const reading = readHttpProxyRequest(Buffer.from(`${head}more`));
    expect(reading).toMatchObject({ bytes: head.length });
  });
});

describe('a request for a whole URL', () => {
  it('is forwarded with its path, and ends the connection', () => {
    expect(
      forwarded(
        ...['GET http://products.shop:8080/a?b=c HTTP/1.1', 'Host: other', 'Accept: */*'],
        ...['Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic c2VjcmV0'],
        ...['Connection: keep-alive, X-Own', 'X-Own: 1', 'Keep-Alive: timeout=5'],
      ),
    ).toEqual([
      ...['GET /a?b=c HTTP/1.1', 'host: products.shop:8080', 'Accept: */*', 'connection: close'],
      ...['', ''],
    ]);
  });

  it.each([
    ['http://products', 'GET / HTTP/1.1', 'host: products'],
    ['http://products?x', 'GET /?x HTTP/1.1', 'host: products'],
    ['HTTP://products:80/', 'GET / HTTP/1.1', 'host: products'],
    ['http://[fd00::1]:81/', 'GET / HTTP/1.1', 'host: [fd00::1]:81'],
  ])('%s becomes %s', (url, line, host) => {
    expect(forwarded(`GET ${url} HTTP/1.1`).slice(0, 2)).toEqual([line, host]);
  });

  it.each([
    ['https:// is for CONNECT', 'GET https://products/ HTTP/1.1'],
    ['a path alone is for servers', 'GET / HTTP/1.1', 'Host: products'],
    ['a user in the URL is not passed on', 'GET http://joe:secret@products/ HTTP/1.1'],
    ['two lengths', 'POST http://a/ HTTP/1.1', 'Content-Length: 1', 'Content-Length: 1'],
    [
      ...(['a length and chunks', 'POST http://a/ HTTP/1.1'] as const),
      ...['Content-Length: 1', 'Transfer-Encoding: chunked'],
    ],
    ['a space before the colon', 'GET http://a/ HTTP/1.1', 'Host : a'],
    ['a folded line', 'GET http://a/ HTTP/1.1', 'X: a', ' b'],
    ['a bare line feed', 'GET http://a/ HTTP/1.1', 'X: a\nY: b'],
    ['HTTP/2', 'GET http://a/ HTTP/2'],
    ['no HTTP at all', '\x16\x03\x01'],
  ])('is refused: %s', (_, ...lines) => expect(read(...lines)).toHaveProperty('refused'));
});

describe('readHttpProxyRequest', () => {
  it('waits for the end of the head, wherever it is cut', () => {
    const whole = Buffer.from('GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n');
    for (let length = 0; length < whole.length; length += 1) {
      expect(readHttpProxyRequest(whole.subarray(0, length))).toBeUndefined();
    }
    expect(readHttpProxyRequest(whole)).toHaveProperty('message');
  });

  it('gives origin servers exactly one request, whatever comes', () => {
    const piece = fc.constantFrom(
      ...[
        'GET ',
        'http://a',
        '/',
        ' HTTP/1.1',
        '\r\n',
        '\n',
        '\r',
        'X: y',
        ':',
        ' ',
        '\0',
        'Host:',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const reading = read(`GET http://a/ HTTP/1.1\r\n${pieces.join('')}`);
        if (reading === undefined || !('message' in reading)) return;
        const { message } = reading;
        if (message.kind !== 'forward') throw new Error('no CONNECT was sent');
        expect(message.head.indexOf('\r\n\r\n')).toBe(message.head.length - 4);
        expect(message.head.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
        expect(message.head.match(/^connection: close\r$/gm)).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
