import { createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startApp } from '../../../test/kit/proxy-pair.ts';
import { type ClientHello, MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.ts';

function block(size: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const extension = (type: number, body: Uint8Array): Buffer =>
  Buffer.concat([uint16(type), block(2, body)]);

/** The handshake message of a ClientHello, with other extensions around the two that count. */
function message({ alpn, sni }: ClientHello, others: readonly Uint8Array[] = []): Buffer {
  const names = alpn.map((name) => block(1, Buffer.from(name, 'latin1')));
  const extensions = [
    ...(sni === undefined
      ? []
      : [extension(0, block(2, Buffer.from([0]), block(2, Buffer.from(sni, 'latin1'))))]),
    ...others.map((body, i) => extension(1000 + i, body)),
    ...(alpn.length === 0 ? [] : [extension(16, block(2, ...names))]),
  ];
  const body = Buffer.concat([
    ...[uint16(0x0303), Buffer.alloc(32, 7), block(1, Buffer.alloc(32))],
    ...[block(2, uint16(0x1301)), block(1, Buffer.from([0]))],
    ...(extensions.length === 0 ? [] : [block(2, ...extensions)]),
  ]);
  return Buffer.concat([Buffer.from([1]), block(3, body)]);
}

/** The message in records of these sizes, the rest in a last one. */
function records(handshake: Buffer, sizes: readonly number[] = []): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, 16_384, 16_384, 16_384]) {
    const body = handshake.subarray(at, at + size);
    if (body.length > 0) parts.push(Buffer.from([22, 3, 1]), block(2, body));
    at += size;
  }
  return Buffer.concat(parts);
}

const latin1Name = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const hello = fc.record({
  alpn: fc.array(latin1Name, { maxLength: 6 }),
  sni: fc.option(latin1Name, { nil: undefined }),
});
const others = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 12 });

describe('readClientHello', () => {
  it('reads ALPN and SNI from any records, and ignores what follows', () => {
    fc.assert(
      fc.property(hello, others, sizes, fc.uint8Array(), (wanted, extras, cuts, rest) => {
        const bytes = Buffer.concat([records(message(wanted, extras), cuts), rest]);
        expect(readClientHello(bytes)).toEqual({ kind: 'tls', hello: wanted });
      }),
    );
  });

  it('is incomplete at every cut before the end, and needs more than there is', () => {
    fc.assert(
      fc.property(hello, sizes, fc.nat(), (wanted, cuts, cut) => {
        const bytes = records(message(wanted), cuts);
        const length = cut % bytes.length;
        const reading = readClientHello(bytes.subarray(0, length));
        expect(reading.kind).toBe('incomplete');
        const needBytes = reading.kind === 'incomplete' ? reading.needBytes : 0;
        expect(needBytes).toBeGreaterThan(length);
        expect(needBytes).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => void readClientHello(bytes)),
    );
    fc.assert(
      fc.property(hello, sizes, fc.nat(), fc.nat(255), (wanted, cuts, at, value) => {
        const bytes = records(message(wanted), cuts);
        bytes[at % bytes.length] = value;
        expect(['tls', 'plaintext', 'incomplete']).toContain(readClientHello(bytes).kind);
      }),
    );
  });

  it('tells plaintext from the first byte that does not fit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        fc.pre(bytes[0] !== 22);
        expect(readClientHello(bytes)).toEqual({ kind: 'plaintext' });
      }),
    );
  });

  const whole = records(message({ alpn: ['h2'], sni: 'a.example' }));
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(whole);
    copy[at] = value;
    return copy;
  };
  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['another record version', changed(1, 2)],
    ['another handshake message', changed(5, 2)],
    ['a record that is empty', Buffer.from([22, 3, 1, 0, 0])],
    ['a record over 16 KiB', Buffer.from([22, 3, 1, 0x40, 0x01])],
    [
      'an alert inside the handshake',
      Buffer.concat([whole.subarray(0, 5), Buffer.from([1, 0]), Buffer.from([21, 3, 1])]).fill(
        2,
        4,
        5,
      ),
    ],
    ['a message that is longer than is read', Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])],
    ['an extension that is longer than its list', changed(whole.length - 3, 200)],
    ['a host name over 255 bytes', records(message({ alpn: [], sni: 'a'.repeat(256) }))],
  ])('takes for plaintext %s', (_, bytes) => {
    expect(readClientHello(bytes)).toEqual({ kind: 'plaintext' });
  });

  it('gives up a hello in so many small records that it never ends', () => {
    const tiny = Buffer.from([22, 3, 1, 0, 1, 1]);
    const many = Buffer.concat(Array.from({ length: MAX_CLIENT_HELLO_BYTES / 6 + 1 }, () => tiny));
    expect(readClientHello(many.subarray(0, MAX_CLIENT_HELLO_BYTES)).kind).toBe('plaintext');
  });

  it.each([
    [{ ALPNProtocols: ['istio-peer-exchange', 'istio'], servername: 'a.example' }],
    [{ ALPNProtocols: ['h2', 'http/1.1'] }],
    [{ servername: 'b.example', maxVersion: 'TLSv1.2' as const }],
    [{ ALPNProtocols: ['istio'], ecdhCurve: 'X25519MLKEM768:X25519', servername: 'c.example' }],
  ])('reads what OpenSSL sends for %j', async (options) => {
    const first = Promise.withResolvers<Buffer>();
    await using app = await startApp(
      createServer((socket) => socket.once('data', (chunk: Buffer) => first.resolve(chunk))),
    );
    const socket = connectTls({ ...app.address, ...options, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    expect(readClientHello(await first.promise)).toEqual({
      kind: 'tls',
      hello: {
        alpn: 'ALPNProtocols' in options ? options.ALPNProtocols : [],
        sni: 'servername' in options ? options.servername : undefined,
      },
    });
    socket.destroy();
  });
});
