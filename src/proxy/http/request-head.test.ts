import { createServer } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startApp } from '../../../test/kit/proxy-pair.ts';
import { smuggling } from '../../../test/kit/smuggling-corpus.ts';
import { HeadReader, MAX_HEAD_BYTES } from './head-reader.ts';
import { statusOfFault } from './http-fault.ts';
import { formatRequestHead, parseRequestHead } from './request-head.ts';

const HOST = 'Host: a\r\n';

function refusal(text: string): number {
  try {
    parseRequestHead(text);
    return 200;
  } catch (error) {
    return statusOfFault(error);
  }
}

describe('parseRequestHead', () => {
  it.each(smuggling.filter(({ layer }) => layer === 'head').map(({ name, head }) => [name, head]))(
    'refuses %s',
    (_, head) => {
      expect(refusal(head)).toBeGreaterThanOrEqual(400);
    },
  );

  it('reads the forms of targets', () => {
    expect(parseRequestHead(`GET http://a:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n`)).toMatchObject({
      ...{ target: '/x?y', authority: 'a:80', scheme: 'http' },
    });
    expect(parseRequestHead(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`).target).toBe('*');
    expect(parseRequestHead(`CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n`)).toMatchObject({
      ...{ method: 'CONNECT', authority: 'b:443' },
    });
  });

  it('keeps for one hop what is for one hop', () => {
    const head = parseRequestHead(
      `GET / HTTP/1.1\r\n${HOST}Connection: x-secret, Upgrade\r\nX-Secret: 1\r\nKeep-Alive: 3\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AA\r\nTE: trailers\r\n\r\n`,
    );
    expect(head.upgrade).toBe('websocket');
    expect(head.fields.all()).toEqual([['TE', 'trailers']]);
    expect(formatRequestHead(head).toString()).toBe(
      `GET / HTTP/1.1\r\n${HOST}TE: trailers\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
  ])('knows whether %s with "%s" goes on', (version, field, keepAlive) => {
    expect(parseRequestHead(`GET / ${version}\r\n${HOST}${field}\r\n`).keepAlive).toBe(keepAlive);
  });
});

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const value = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e])?$/);
const framing = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'te', 'trailer', 'expect'],
  ...['keep-alive', 'upgrade', 'proxy-connection', 'http2-settings'],
]);
const fields = fc
  .uniqueArray(fc.tuple(token, value), { maxLength: 12, selector: ([name]) => name.toLowerCase() })
  .map((list) => list.filter(([name]) => !framing.has(name.toLowerCase())));
const head = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'),
  target: fc.stringMatching(/^\/[A-Za-z0-9/._~%!$&'()*+,;=:@?-]{0,40}$/),
  fields,
});

function textOf({
  method,
  target,
  fields: list,
}: {
  method: string;
  target: string;
  fields: [string, string][];
}): string {
  const lines = list.map(([name, text]) => `${name}: ${text}\r\n`).join('');
  return `${method} ${target} HTTP/1.1\r\n${HOST}${lines}\r\n`;
}

describe('HeadReader', () => {
  it('finds the same head however it is cut', () => {
    fc.assert(
      fc.property(
        head,
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 }),
        (given, cuts) => {
          const text = textOf(given);
          const bytes = Buffer.from(`${text}rest`, 'latin1');
          const reader = new HeadReader();
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            const chunk = bytes.subarray(at, at + cut);
            const taken = chunk.length === 0 ? undefined : reader.take(chunk, 0);
            if (taken !== undefined) {
              expect(taken.text).toBe(text);
              expect(bytes.subarray(at + taken.end).toString('latin1')).toBe('rest');
              return;
            }
            at += chunk.length;
          }
          throw new Error('no head was found');
        },
      ),
    );
  });

  it('bounds what it keeps, and refuses bare LF at once', () => {
    const reader = new HeadReader();
    expect(() => {
      for (let i = 0; i <= MAX_HEAD_BYTES; i += 1000) reader.take(Buffer.alloc(1000, 'a'), 0);
    }).toThrow('more than');
    expect(() => new HeadReader().take(Buffer.from('GET / HTTP/1.1\nHost: a\n\n'), 0)).toThrow(
      'LF',
    );
  });
});

describe('what is forwarded', () => {
  it('reads the same again', () => {
    fc.assert(
      fc.property(head, (given) => {
        const once = formatRequestHead(parseRequestHead(textOf(given)));
        const twice = formatRequestHead(parseRequestHead(once.toString('latin1')));
        expect(twice.equals(once)).toBe(true);
      }),
    );
  });

  it('is what node:http reads of the original', async () => {
    const seen: unknown[] = [];
    await using app = await startApp(
      createServer((request, response) => {
        const { method, url, rawHeaders } = request;
        seen.push({ method, url, rawHeaders });
        response.end();
      }),
    );
    await fc.assert(
      fc.asyncProperty(head, async (given) => {
        const text = textOf(given);
        const forwarded = formatRequestHead(parseRequestHead(text)).toString('latin1');
        seen.length = 0;
        for (const each of [text, forwarded]) {
          const socket = connect(app.address);
          socket.end(each, 'latin1');
          await new Promise((resolve) => socket.resume().once('close', resolve));
        }
        expect(seen).toHaveLength(2);
        expect(seen[1]).toEqual(seen[0]);
      }),
      { numRuns: 60 },
    );
  });
});
