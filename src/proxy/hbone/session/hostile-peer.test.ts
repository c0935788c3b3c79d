import { describe, expect, it } from 'vitest';
import { CONNECT, opening, RawPeer, rawFrame } from '../../../../test/kit/raw-peer.ts';
import { PREFACE } from '../frames/http2-codes.ts';
import { encodeFields } from '../hpack/encode-fields.ts';

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const setting = (id: number, value: number): Buffer =>
  Buffer.concat([Buffer.from([0, id]), number(value)]);
const [PROTOCOL, FLOW, CLOSED, SIZE, REFUSED, COMPRESSION, CALM] = [1, 3, 5, 6, 7, 9, 11];
const MiB = 1024 * 1024;

describe('a peer that breaks the protocol of the connection', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['DATA for the connection', PROTOCOL, [rawFrame(0, 0, 0, '00')]],
    ['HEADERS for the connection', PROTOCOL, [rawFrame(1, 4, 0, CONNECT)]],
    ['RST_STREAM for the connection', PROTOCOL, [rawFrame(3, 0, 0, number(0))]],
    ['SETTINGS for a stream', PROTOCOL, [rawFrame(4, 0, 1)]],
    ['PING for a stream', PROTOCOL, [rawFrame(6, 0, 1, Buffer.alloc(8))]],
    ['GOAWAY for a stream', PROTOCOL, [rawFrame(7, 0, 1, Buffer.alloc(8))]],
    ['PRIORITY for the connection', PROTOCOL, [rawFrame(2, 0, 0, '0000000010')]],
    ['PUSH_PROMISE', PROTOCOL, [opening(1), rawFrame(5, 4, 1, '00000002')]],
    ['CONTINUATION of nothing', PROTOCOL, [rawFrame(9, 4, 1, CONNECT)]],
    [
      'a frame within a header block',
      PROTOCOL,
      [opening(1, 0), rawFrame(6, 0, 0, Buffer.alloc(8))],
    ],
    ['DATA within a header block', PROTOCOL, [opening(1, 0), rawFrame(0, 0, 1, '00')]],
    ['CONTINUATION of another stream', PROTOCOL, [opening(1, 0), rawFrame(9, 4, 3, '')]],
    ['an even stream', PROTOCOL, [opening(2)]],
    ['HEADERS of a lower stream', CLOSED, [opening(5), rawFrame(3, 0, 5, number(8)), opening(3)]],
    ['DATA of an idle stream', PROTOCOL, [rawFrame(0, 0, 3, '00')]],
    ['RST_STREAM of an idle stream', PROTOCOL, [rawFrame(3, 0, 3, number(0))]],
    ['WINDOW_UPDATE of an idle stream', PROTOCOL, [rawFrame(8, 0, 3, number(1))]],
    ['WINDOW_UPDATE of the connection by 0', PROTOCOL, [rawFrame(8, 0, 0, number(0))]],
    ['a connection window that overflows', FLOW, [rawFrame(8, 0, 0, number(0x7fff_ffff))]],
    ['a frame above the bound', SIZE, [rawFrame(0, 0, 1, Buffer.alloc(65_537))]],
    ['PING of 7 bytes', SIZE, [rawFrame(6, 0, 0, Buffer.alloc(7))]],
    ['RST_STREAM of 3 bytes', SIZE, [opening(1), rawFrame(3, 0, 1, '000000')]],
    ['WINDOW_UPDATE of 3 bytes', SIZE, [rawFrame(8, 0, 0, '000000')]],
    ['PRIORITY of 4 bytes', SIZE, [rawFrame(2, 0, 1, '00000000')]],
    ['GOAWAY of 7 bytes', SIZE, [rawFrame(7, 0, 0, Buffer.alloc(7))]],
    ['SETTINGS of 5 bytes', SIZE, [rawFrame(4, 0, 0, '0000000000')]],
    ['an acknowledgement with something in it', SIZE, [rawFrame(4, 1, 0, setting(4, 1))]],
    ['HEADERS shorter than its priority', SIZE, [rawFrame(1, 0x24, 1, '0000')]],
    ['HEADERS whose padding is all of it', PROTOCOL, [rawFrame(1, 0xc, 1, '05aabb')]],
    ['a header block that cannot be decoded', COMPRESSION, [rawFrame(1, 4, 1, 'ff')]],
    [
      'more CONTINUATION frames than anybody needs',
      CALM,
      [opening(1, 0), ...Array.from({ length: 20 }, () => rawFrame(9, 0, 1, ''))],
    ],
    [
      'a header block that does not end',
      CALM,
      [opening(1, 0), ...Array.from({ length: 3 }, () => rawFrame(9, 0, 1, Buffer.alloc(60_000)))],
    ],
    [
      'an initial window that makes an open one overflow',
      FLOW,
      [
        opening(1),
        rawFrame(8, 0, 1, number(0x7fff_0000)),
        rawFrame(4, 0, 0, setting(4, 0x7fff_ffff)),
      ],
    ],
  ])('is told so for %s, and nothing goes on', (_, code, parts) => {
    const peer = new RawPeer();
    peer.send(...parts);
    expect(peer.said.at(-1)).toBe(`goaway ${code}`);
    expect(peer.server.failures).toHaveLength(1);
    expect(peer.server.connection.streams).toBe(0);
    peer.send(rawFrame(6, 0, 0, Buffer.alloc(8)));
    expect(peer.said).not.toContain('ping-ack');
  });

  it.each([
    ['HTTP/1', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['no SETTINGS after the preface', Buffer.concat([PREFACE, rawFrame(6, 0, 0, Buffer.alloc(8))])],
    ['an acknowledgement first', Buffer.concat([PREFACE, rawFrame(4, 1, 0)])],
  ])('is told so for a beginning that is none: %s', (_, bytes) => {
    const peer = new RawPeer({ begin: false });
    peer.send(bytes);
    expect(peer.said.at(-1)).toBe(`goaway ${PROTOCOL}`);
  });

  it.each([
    ['PING', 1_000, rawFrame(6, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', 100, rawFrame(4, 0, 0)],
    ['empty DATA', 1_000, rawFrame(0, 0, 1)],
    ['padding without DATA', 64 * 256, rawFrame(0, 8, 1, '00')],
    ['PRIORITY', 10_000, rawFrame(2, 0, 1, '0000000010')],
    ['frames of no known type', 10_000, rawFrame(0xbe, 0, 0, '00')],
  ])('is cut off for a flood of %s', (_, bound, frame) => {
    const peer = new RawPeer();
    peer.send(opening(1));
    for (let i = 0; i < bound + 10 && peer.server.failures.length === 0; i++) peer.send(frame);
    expect(peer.said.at(-1)).toBe(`goaway ${CALM}`);
  });

  it('is cut off for opening and resetting streams without end', () => {
    const peer = new RawPeer();
    for (let id = 1; id < 30_000 && peer.server.failures.length === 0; id += 2) {
      peer.send(opening(id), rawFrame(3, 0, id, number(8)));
    }
    expect(peer.said.at(-1)).toBe(`goaway ${CALM}`);
  });

  it('is cut off for making us reset streams without end', () => {
    const peer = new RawPeer();
    for (let id = 1; id < 30_000 && peer.server.failures.length === 0; id += 2) {
      peer.send(opening(id), rawFrame(8, 0, id, number(0)));
    }
    expect(peer.said.at(-1)).toBe(`goaway ${CALM}`);
  });

  it('is cut off when it asks and does not read the answers', () => {
    const peer = new RawPeer();
    const { server } = peer;
    // The clock forgives the pings, TLS says of no write that it is out.
    for (let i = 0; i < 400_000 && server.failures.length === 0; i++) {
      server.nowMs += 100;
      server.receive(rawFrame(6, 0, 0, Buffer.alloc(8)));
    }
    expect(server.failures[0]).toContain('does not read');
    expect(server.output.unsent).toBeLessThan(5 * MiB);
  });

  it('is cut off for sending more than the connection has room for', () => {
    const peer = new RawPeer({ maxStreams: 100 });
    const { server } = peer;
    const body = rawFrame(0, 0, 1, Buffer.alloc(60_000));
    for (let id = 1; id < 199 && server.failures.length === 0; id += 2) {
      peer.send(opening(id));
      server.streams.get(id)?.stream.pause();
      const probe = server.streams.get(id);
      if (probe !== undefined) probe.paused = true;
      body.writeUInt32BE(id, 5);
      for (let i = 0; i < 17; i++) peer.send(body);
    }
    expect(peer.said.at(-1)).toBe(`goaway ${FLOW}`);
    const held = [...server.streams.values()].reduce((sum, { received }) => sum + received, 0);
    expect(held).toBe(0);
  });
});

describe('a peer that breaks the rules of one stream', () => {
  it.each<[string, number, readonly Buffer[]]>([
    ['DATA after its end', CLOSED, [opening(1), rawFrame(0, 1, 1), rawFrame(0, 0, 1, '00')]],
    ['HEADERS after its end', CLOSED, [opening(1, 5), opening(1)]],
    ['HEADERS on a connected stream', PROTOCOL, [opening(1), opening(1, 5)]],
    ['WINDOW_UPDATE by 0', PROTOCOL, [opening(1), rawFrame(8, 0, 1, number(0))]],
    ['a window that overflows', FLOW, [opening(1), rawFrame(8, 0, 1, number(0x7fff_ffff))]],
    [
      'a stream that depends on itself',
      PROTOCOL,
      [rawFrame(1, 0x24, 1, Buffer.concat([number(1), Buffer.from([0]), CONNECT]))],
    ],
  ])('loses that stream for %s, and others go on', (_, code, parts) => {
    const peer = new RawPeer();
    peer.send(...parts);
    expect(peer.said.at(-1)).toBe(`rst 1 ${code}`);
    peer.send(opening(3));
    expect(peer.said.at(-1)).toBe('headers 3');
    expect(peer.server.failures).toEqual([]);
  });

  it('loses it for sending more than its window', () => {
    const peer = new RawPeer();
    peer.send(opening(1));
    peer.server.streams.get(1)?.stream.pause();
    for (let i = 0; i < 18; i++) peer.send(rawFrame(0, 0, 1, Buffer.alloc(60_000)));
    expect(peer.said.at(-1)).toBe(`rst 1 ${FLOW}`);
  });

  it('gets no more streams than were offered', () => {
    const peer = new RawPeer({ maxStreams: 2 });
    peer.send(opening(1), opening(3), opening(5));
    expect(peer.said).toEqual(['headers 1', 'headers 3', `rst 5 ${REFUSED}`]);
    peer.send(rawFrame(3, 0, 1, number(8)), opening(7));
    expect(peer.said.at(-1)).toBe('headers 7');
  });

  it('may send for a while what we do not want any more', () => {
    const peer = new RawPeer();
    peer.send(opening(1));
    peer.server.streams.get(1)?.stream.reset();
    peer.send(rawFrame(0, 0, 1, '00'), rawFrame(8, 0, 1, number(5)), rawFrame(0, 1, 1));
    expect(peer.said).toEqual(['headers 1', 'rst 1 10']);
    expect(peer.server.failures).toEqual([]);
  });

  it('is not heard for streams after our GOAWAY, and the header table goes on', () => {
    const peer = new RawPeer();
    peer.send(opening(1));
    peer.server.connection.sendGoaway();
    const indexed = Buffer.concat([Buffer.from([0x40, 1, 0x78, 1, 0x79]), CONNECT]);
    const malformed = encodeFields([[':status', '200']]);
    peer.send(
      rawFrame(1, 4, 3, Buffer.concat([CONNECT, indexed.subarray(0, 5)])),
      rawFrame(0, 0, 3, '00'),
    );
    peer.send(rawFrame(1, 4, 5, malformed));
    peer.send(rawFrame(0, 0, 1, '00'));
    expect(peer.said).toEqual(['headers 1', 'goaway 0']);
    expect(peer.server.streams.get(1)?.received).toBe(1);
  });
});

describe('frames that are allowed', () => {
  it('are padded DATA, whose padding counts and is given back', () => {
    const peer = new RawPeer();
    peer.send(opening(1));
    const padded = rawFrame(0, 8, 1, Buffer.concat([Buffer.from([255, 1]), Buffer.alloc(255)]));
    // 1 byte of 257 is content: without credit for the rest the window would end.
    for (let i = 0; i < 5_000; i++) peer.send(padded);
    expect(peer.server.streams.get(1)?.received).toBe(5_000);
    expect(peer.said).toContain(`window 1 262397`);
    expect(peer.server.failures).toEqual([]);
  });

  it('are padded HEADERS with a priority, in parts', () => {
    const peer = new RawPeer();
    const inner = Buffer.concat([
      Buffer.from([3]),
      number(0),
      Buffer.from([16]),
      CONNECT.subarray(0, 5),
      Buffer.alloc(3),
    ]);
    peer.send(rawFrame(1, 0x28, 1, inner), rawFrame(9, 4, 1, CONNECT.subarray(5)));
    expect(peer.said).toEqual(['headers 1']);
  });

  it('are PING, which is answered', () => {
    const peer = new RawPeer();
    peer.send(rawFrame(6, 0, 0, Buffer.from('12345678')));
    expect(peer.said).toEqual(['ping-ack']);
  });

  it('are SETTINGS that make windows negative, until they are open again', () => {
    const peer = new RawPeer();
    peer.send(opening(1));
    const stream = peer.server.streams.get(1);
    stream?.write(60_000);
    peer.send(rawFrame(4, 0, 0, setting(4, 100)));
    stream?.write(10);
    peer.send(rawFrame(8, 0, 1, number(50_000)));
    expect(peer.said.filter((each) => each.startsWith('data'))).toHaveLength(4);
    peer.send(rawFrame(8, 0, 1, number(60_000)));
    expect(peer.said.at(-1)).toBe('data 1 10');
  });
});
