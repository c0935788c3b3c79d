import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOOPBACK, until } from '../../../../test/kit/proxy-pair.ts';
import { duplicateDescriptor } from '../../../lib/pass-descriptors.ts';
import type { MeshName } from '../../../policy/upstream/mesh-directory.ts';
import { DnsForwarder, withLength } from './dns-forwarder.ts';
import { DnsServer, type DnsServerOptions } from './dns-server.ts';

const RECURSION_DESIRED = 0x100;
const SERVFAIL = 'SERVFAIL';
const MANY = Array.from({ length: 60 }, (_, at) => `10.0.0.${at}`);
const names: Readonly<Record<string, MeshName>> = {
  products: { host: 'products', ipv4: ['240.240.1.1'], ipv6: ['2001:2::1'] },
  crowd: { host: 'crowd', ipv4: MANY, ipv6: [] },
};

function query(name: string, type = 'A', id = 77): Buffer {
  const questions = [{ name, type, class: 'IN' }];
  return encode({ id, type: 'query', flags: RECURSION_DESIRED, questions });
}

/** A resolver that knows one address, by UDP and TCP at the same port; silent when told to be. */
class Upstream {
  readonly asked: Buffer[] = [];
  readonly tcp: Server;
  readonly udp: Socket = createSocket('udp4');
  silent = false;
  /** Sent before the right answer. */
  forged: ((query: Buffer) => Buffer) | undefined;

  constructor() {
    this.tcp = createServer((socket) => {
      socket.on('data', (bytes: Buffer) => socket.end(withLength(this.#answer(bytes.subarray(2)))));
    });
    this.udp.on('message', (message, { port, address }) => {
      this.asked.push(message);
      if (this.silent) return;
      if (this.forged !== undefined) this.udp.send(this.forged(message), port, address);
      this.udp.send(this.#answer(message), port, address);
    });
  }

  #answer(message: Buffer): Buffer {
    const { id, questions } = decode(message);
    const answers = [
      {
        name: questions[0]?.name ?? '',
        type: 'A',
        ttl: 5,
        class: 'IN',
        data: '192.0.2.1',
      } as const,
    ];
    return encode({ id, type: 'response', flags: 0, questions, answers });
  }
}

const upstream = new Upstream();
const started: DnsServer[] = [];
let upstreamPort = 0;

beforeAll(async () => {
  await once(upstream.tcp.listen(0, LOOPBACK), 'listening');
  upstreamPort = (upstream.tcp.address() as AddressInfo).port;
  upstream.udp.bind(upstreamPort, LOOPBACK);
  await once(upstream.udp, 'listening');
});

afterAll(() => {
  for (const server of started) server.close();
  upstream.udp.close();
  upstream.tcp.close();
});

/** A server at a port of its own, by UDP and TCP. */
async function start(
  over: Partial<DnsServerOptions> & {
    readonly maxPending?: number;
    readonly timeoutMs?: number;
  } = {},
): Promise<{ readonly server: DnsServer; readonly port: number }> {
  const resolvers = () => [{ host: LOOPBACK, port: upstreamPort }];
  const { maxPending = 512, timeoutMs = 20_000, ...options } = over;
  const server = new DnsServer({
    lookup: (name) => names[name.toLowerCase()],
    forwarder: new DnsForwarder({ resolvers, timeoutMs, maxPending }),
    loop: async () => undefined,
    ipv6: () => true,
    ...options,
  });
  started.push(server);
  const tcp = server.tcpServer();
  await once(tcp.listen(0, LOOPBACK), 'listening');
  const { port } = tcp.address() as AddressInfo;
  await server.bindUdp({ host: LOOPBACK, port });
  tcp.unref();
  return { server, port };
}

async function byUdp(port: number, message: Buffer): Promise<DecodedPacket> {
  const socket = createSocket('udp4');
  socket.send(message, port, LOOPBACK);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return decode(answer);
}

async function byTcp(port: number, bytes: Buffer): Promise<DecodedPacket> {
  const socket = connect(port, LOOPBACK);
  socket.write(bytes);
  let have = Buffer.alloc(0);
  for await (const chunk of socket) {
    have = Buffer.concat([have, chunk as Buffer]);
    if (have.length >= 2 && have.length >= 2 + have.readUInt16BE(0)) break;
  }
  return decode(have.subarray(2));
}

const dataOf = ({ answers }: DecodedPacket): readonly unknown[] => answers.map(({ data }) => data);

describe('names of the mesh', () => {
  it('are answered by UDP and TCP, in the case that was asked', async () => {
    const { port } = await start();
    const answer = await byUdp(port, query('Products'));
    expect(answer).toMatchObject({ id: 77, type: 'response', rcode: 'NOERROR' });
    expect(answer.answers).toEqual([
      expect.objectContaining({ name: 'Products', type: 'A', data: '240.240.1.1', ttl: 30 }),
    ]);
    expect(dataOf(await byTcp(port, withLength(query('products', 'AAAA'))))).toEqual([
      expect.stringMatching(/^2001:2::?/),
    ]);
  });

  it('have no IPv6 address on a host without IPv6, and are there nevertheless', async () => {
    const { port } = await start({ ipv6: () => false });
    const answer = await byUdp(port, query('products', 'AAAA'));
    expect(answer).toMatchObject({ rcode: 'NOERROR', answers: [] });
  });

  it('have nothing of other types', async () => {
    const { port, server } = await start();
    expect(dataOf(await byUdp(port, query('products', 'MX')))).toEqual([]);
    expect(server.stats).toMatchObject({ answered: 1, forwarded: 0 });
  });

  it('with more addresses than UDP carries are asked for again by TCP', async () => {
    const { port } = await start();
    const cut = await byUdp(port, query('crowd'));
    expect(cut.flags & 0x200).not.toBe(0);
    expect(cut.answers).toEqual([]);
    expect(dataOf(await byTcp(port, withLength(query('crowd'))))).toEqual(MANY);
  });
});

describe('other names', () => {
  it('are asked of the resolver under another number, by the transport of the client', async () => {
    const { port, server } = await start();
    const answer = await byUdp(port, query('example.com', 'A', 4711));
    expect(answer.id).toBe(4711);
    expect(dataOf(answer)).toEqual(['192.0.2.1']);
    expect(dataOf(await byTcp(port, withLength(query('example.com'))))).toEqual(['192.0.2.1']);
    expect(server.stats).toMatchObject({ answered: 0, forwarded: 2 });
    const numbers = new Set<number>();
    for (let asked = 0; asked < 8; asked += 1) await byUdp(port, query('example.com', 'A', 1));
    for (const message of upstream.asked) numbers.add(message.readUInt16BE(0));
    expect(numbers.size).toBeGreaterThan(4);
  });

  it('are not answered by who does not know the number', async () => {
    const { port } = await start();
    upstream.forged = (message) => {
      const { id, questions } = decode(message);
      const answers = [
        { name: 'example.com', type: 'A', ttl: 5, class: 'IN', data: '203.0.113.66' } as const,
      ];
      return encode({ id: id ^ 1, type: 'response', flags: 0, questions, answers });
    };
    expect(dataOf(await byUdp(port, query('example.com')))).toEqual(['192.0.2.1']);
    upstream.forged = undefined;
  });

  it('fail when nobody answers, and when too many are on their way', async () => {
    upstream.silent = true;
    const { port, server } = await start({ maxPending: 1, timeoutMs: 200 });
    const answers = await Promise.all([
      byUdp(port, query('a.example')),
      byUdp(port, query('b.example')),
    ]);
    upstream.silent = false;
    expect(answers.map(({ rcode }) => rcode)).toEqual([SERVFAIL, SERVFAIL]);
    expect(answers[0]?.questions).toHaveLength(1);
    expect(server.stats.failed).toBe(2);
  });

  it('are not asked for while what is asked would come back', async () => {
    const { port } = await start({ loop: async () => 'rules capture the proxy' });
    const before = upstream.asked.length;
    expect((await byUdp(port, query('example.com'))).rcode).toBe(SERVFAIL);
    expect(dataOf(await byUdp(port, query('products')))).toEqual(['240.240.1.1']);
    expect(upstream.asked).toHaveLength(before);
  });
});

describe('a server that ends', () => {
  /** One whose forwarded queries wait until `go` is called. */
  async function held() {
    const { promise, resolve: go } = Promise.withResolvers<string>();
    let taken = 0;
    const loop = (): Promise<string> => {
      taken += 1;
      return promise;
    };
    return { ...(await start({ loop })), go: () => go('no'), taken: () => taken };
  }

  it('answers what it has taken, and leaves its queue to the successor', async () => {
    const { server, port, go, taken } = await held();
    const early = byUdp(port, query('a.example'));
    await until(() => taken() === 1);
    const [socket] = server.listening;
    if (socket === undefined) return expect.unreachable('no socket is shown');
    expect(socket).toMatchObject({ host: LOOPBACK, port, transport: 'udp' });
    const copy = duplicateDescriptor(socket.fd);
    const finished = server.finish();
    const client = createSocket('udp4');
    const late = once(client, 'message');
    await new Promise((sent) => client.send(query('products'), port, LOOPBACK, sent));
    // Long enough for the first one to take it, if it still did.
    await new Promise((resolve) => setTimeout(resolve, 20));
    go();
    await finished;
    server.close();
    expect((await early).rcode).toBe(SERVFAIL);
    const heir = await start();
    await heir.server.bindUdp({ host: LOOPBACK, port }, [copy]);
    const [answer] = await late;
    expect(dataOf(decode(answer))).toEqual(['240.240.1.1']);
    expect(heir.server.stats.answered).toBe(1);
    client.close();
  });

  it('lets clients that ask by TCP go, those that wait with their answers', async () => {
    const { server, port, go, taken } = await held();
    const idle = connect(port, LOOPBACK);
    await once(idle, 'connect');
    const waiting = connect(port, LOOPBACK);
    waiting.write(withLength(query('a.example')));
    await until(() => taken() === 1);
    server.endTcp();
    await once(idle.resume(), 'close');
    const answer = once(waiting, 'data');
    go();
    const [bytes] = (await answer) as [Buffer];
    expect(decode(bytes.subarray(2)).rcode).toBe(SERVFAIL);
    await once(waiting, 'close');
  });
});

describe('hostile clients', () => {
  it('get an error for nonsense, and for an answer nothing', async () => {
    const { port, server } = await start();
    const twoQuestions = Buffer.from(query('products'));
    twoQuestions.writeUInt16BE(2, 4);
    const answer = await byUdp(port, twoQuestions);
    expect(answer).toMatchObject({ id: 77, rcode: 'FORMERR' });
    const isAnswer = Buffer.from(query('products'));
    isAnswer.writeUInt16BE(0x8000, 2);
    const socket = createSocket('udp4');
    let heard = 0;
    socket.on('message', () => {
      heard += 1;
    });
    socket.send(isAnswer, port, LOOPBACK);
    await until(() => server.stats.malformed === 2);
    socket.send(query('products'), port, LOOPBACK);
    await until(() => heard === 1);
    expect(server.stats.answered).toBe(1);
    socket.close();
  });

  it('are cut by TCP when they ask for more than they wait for', async () => {
    upstream.silent = true;
    const { port } = await start({
      forwarder: new DnsForwarder({ resolvers: () => [{ host: LOOPBACK, port: 9 }] }),
      loop: () => new Promise(() => undefined),
    });
    const socket = connect(port, LOOPBACK);
    socket.on('error', () => undefined);
    for (let asked = 0; asked < 40; asked += 1) socket.write(withLength(query('a.example')));
    await once(socket, 'close');
    upstream.silent = false;
  });
});
