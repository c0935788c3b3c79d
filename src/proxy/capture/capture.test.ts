import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { settings, sidecar } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  echoServer,
  LOOPBACK,
  nextChunk,
  type PairOptions,
  type ProxyPair,
  readToEnd,
  startApp,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import { virtualAddresses } from '../../policy/upstream/virtual-addresses.ts';
import { type Address, formatAddress } from '../address.ts';
import type { ProxyOptions } from '../proxy.ts';
import { type CaptureOptions, noCapture } from './capture-options.ts';

const ANY: Address = { host: LOOPBACK, port: 0 };
const NOBODY: Address = { host: LOOPBACK, port: 9 };
const closing: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** A pair whose client side captures; what a captured connection was going to is what the test says. */
async function capturing(
  capture: Partial<CaptureOptions>,
  target: () => Address | undefined,
  options: PairOptions = {},
): Promise<ProxyPair & { readonly captured: readonly Address[] }> {
  const client: Partial<ProxyOptions> = {
    capture: { ...noCapture, ...capture },
    originalDestination: target,
    ...options.client,
  };
  const pair = await startPair({ ...options, client });
  closing.push(pair);
  return Object.assign(pair, { captured: pair.client.proxy.bound.capture });
}

async function app(server = echoServer()): Promise<Address> {
  const started = await startApp(server);
  closing.push(started);
  return started.address;
}

/** Connects and waits until the other side has cut the connection: how much came before. */
function bytesUntilCut(address: Address): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(socket.bytesRead));
    socket.resume();
  });
}

const first = ({ captured }: { captured: readonly Address[] }): Address => captured[0] ?? ANY;

describe('what the rules bring from the application', () => {
  it('goes to the service whose virtual address it was sent to, by mutual TLS', async () => {
    const host = 'reviews.shop.svc.cluster.local';
    const { ipv4 = '' } = virtualAddresses([host]).get(host) ?? {};
    const pair = await capturing({ outbound: [ANY] }, () => ({ host: ipv4, port: 80 }));
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened[0]).toMatchObject({
      ...{ direction: 'outbound', transport: 'hbone', service: { host, port: 80 } },
      peerId: 'spiffe://cluster.local/ns/shop/sa/reviews',
    });
    socket.destroy();
  });

  it('goes to the very endpoint whose address it was sent to', async () => {
    let target: Address | undefined;
    const pair = await capturing({ outbound: [ANY] }, () => target);
    target = pair.inbound;
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened[0]).toMatchObject({
      ...{ transport: 'hbone', destination: pair.inbound },
    });
    socket.destroy();
  });

  it('goes past the mesh where it is of no service', async () => {
    const outside = await app();
    const pair = await capturing({ outbound: [ANY] }, () => outside);
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened[0]).toMatchObject({
      ...{ transport: 'passthrough', destination: outside, service: undefined, peerId: undefined },
    });
    socket.destroy();
  });

  it('is refused where it is of no service and the mesh says REGISTRY_ONLY', async () => {
    const outside = await app();
    const strict = { ...settings, outboundTrafficPolicy: 'REGISTRY_ONLY' } as const;
    const pair = await capturing({ outbound: [ANY] }, () => outside, { settings: strict });
    expect(await bytesUntilCut(first(pair))).toBe(0);
    expect(pair.client.events.denied[0]).toMatchObject({
      reason: 'unknown-service',
      decision: `${formatAddress(outside)} is no service of the mesh, and outboundTrafficPolicy is REGISTRY_ONLY`,
    });
  });

  it('is refused where it is of no service and a Sidecar says REGISTRY_ONLY, until that goes', async () => {
    const outside = await app();
    const pair = await capturing({ outbound: [ANY] }, () => outside, {
      clientFacts: { sidecars: [sidecar({ outboundTrafficPolicy: {} })] },
    });
    expect(await bytesUntilCut(first(pair))).toBe(0);
    expect(pair.client.events.denied[0]).toMatchObject({
      reason: 'unknown-service',
      decision: `${formatAddress(outside)} is no service of the mesh, and outboundTrafficPolicy is REGISTRY_ONLY (Sidecar shop/default holds)`,
    });
    const { facts } = pair.client;
    facts.set({ ...facts.current, sidecars: [] });
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    socket.destroy();
  });

  it('is refused, and not sent past the mesh, where a Sidecar leaves the service out', async () => {
    let target: Address | undefined;
    const pair = await capturing({ outbound: [ANY] }, () => target, {
      clientFacts: { sidecars: [sidecar({ egress: [{ hosts: ['bank/*'] }] })] },
    });
    const host = 'reviews.shop.svc.cluster.local';
    const { ipv4 = '' } = virtualAddresses([host]).get(host) ?? {};
    for (const each of [pair.inbound, { host: ipv4, port: 80 }]) {
      target = each;
      expect(await bytesUntilCut(first(pair))).toBe(0);
      expect(pair.client.events.denied.at(-1)).toMatchObject({
        reason: 'unknown-service',
        decision: `${formatAddress(each)} is of ${host}, which the egress hosts of Sidecar shop/default leave out`,
      });
    }
    expect(await bytesUntilCut(pair.outbound)).toBe(0);
    expect(pair.client.events.upstreams[0]?.reason).toContain(
      '(as far as Sidecar shop/default lets this workload see)',
    );
    const { facts } = pair.client;
    facts.set({ ...facts.current, sidecars: [sidecar({ egress: [{ hosts: ['./*'] }] })] });
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened[0]).toMatchObject({ transport: 'hbone' });
    socket.destroy();
  });

  it('never leaves the mesh for a virtual address that is of no service any more', async () => {
    const pair = await capturing({ outbound: [ANY] }, () => ({ host: '240.240.0.1', port: 80 }));
    expect(await bytesUntilCut(first(pair))).toBe(0);
    expect(pair.client.events.upstreams[0]?.reason).toContain('is of no service any more');
  });

  it.each([
    ['was sent to the port itself', (pair: { captured: readonly Address[] }) => first(pair)],
    ['nobody knows the destination of', () => undefined],
  ])('is refused when it %s', async (_, destination) => {
    let target: Address | undefined;
    const pair = await capturing({ outbound: [ANY] }, () => target);
    target = destination(pair);
    expect(await bytesUntilCut(first(pair))).toBe(0);
    expect(pair.client.events.denied).toEqual([
      expect.objectContaining({ reason: 'not-captured', direction: 'outbound' }),
    ]);
  });

  it('is told of by the port when it is a probe, and nothing else happens', async () => {
    const pair = await capturing({ outbound: [ANY] }, () => ({ host: LOOPBACK, port: 15_002 }));
    expect((await readToEnd(await dial(first(pair)))).received.toString()).toBe('outbound');
    expect(pair.client.events.opened).toEqual([]);
  });
});

describe('what the rules bring from others', () => {
  it('goes on to the address and port it was sent to, by the policies of that port', async () => {
    const target = await app();
    const pair = await capturing({ inbound: [ANY], inboundPorts: [target.port] }, () => target);
    const socket = await dial(first(pair));
    expect(await ask(socket, 'hello')).toBe('hello');
    expect(pair.client.events.opened[0]).toMatchObject({
      ...{ direction: 'inbound', destination: target, transport: 'plaintext' },
    });
    socket.destroy();
  });

  it.each([
    ['a port that is not the workload’s', [80], NOBODY, 'not-served'],
    ['a port of the proxy', undefined, { host: LOOPBACK, port: 15_008 }, 'not-served'],
    ['nothing that anybody knows', undefined, undefined, 'not-captured'],
  ] as const)('is refused for %s', async (_, inboundPorts, target, reason) => {
    const pair = await capturing({ inbound: [ANY], inboundPorts }, () => target, {
      client: { hbone: { host: '127.0.0.2', port: 15_008 } },
    });
    expect(await bytesUntilCut(first(pair))).toBe(0);
    expect(pair.client.events.denied).toEqual([
      expect.objectContaining({ reason, direction: 'inbound' }),
    ]);
  });
});

describe('the HTTP proxy', () => {
  const proxied = (options?: PairOptions) =>
    capturing({ httpProxy: ANY }, () => undefined, options);

  it('connects to a service by its short name', async () => {
    const pair = await proxied();
    const socket = await dial(first(pair));
    socket.write('CONNECT reviews:80 HTTP/1.1\r\nHost: reviews\r\n\r\nhello');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    await until(() => heard.endsWith('hello'));
    expect(heard).toBe('HTTP/1.1 200 Connection established\r\n\r\nhello');
    expect(pair.client.events.opened[0]).toMatchObject({ transport: 'hbone' });
    socket.destroy();
  });

  it('passes on a request for a whole URL with its body', async () => {
    const pair = await proxied();
    const socket = await dial(first(pair));
    const answer = readToEnd(socket);
    socket.end('POST http://reviews.shop/a HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody');
    expect((await answer).received.toString()).toBe(
      'POST /a HTTP/1.1\r\nhost: reviews.shop\r\nContent-Length: 4\r\nconnection: close\r\n\r\nbody',
    );
  });

  it.each([
    ['CONNECT reviews:81 HTTP/1.1', 502, 'Service shop/reviews has no port 81; it has 80'],
    [`CONNECT ${formatAddress(NOBODY)} HTTP/1.1`, 502, 'nothing listens there'],
    ['GET / HTTP/1.1', 400, 'this is a proxy'],
  ])('answers %s with %s and why', async (line, status, why) => {
    const socket = await dial(first(await proxied()));
    socket.write(`${line}\r\n\r\n`);
    const { received } = await readToEnd(socket);
    expect(received.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(received.toString()).toContain(why);
  });

  it('refuses a head without an end', async () => {
    const socket = await dial(first(await proxied()));
    const answer = readToEnd(socket);
    socket.write(`GET http://reviews/ HTTP/1.1\r\nX: ${'a'.repeat(40_000)}`);
    expect((await answer).received.toString()).toContain('32768 bytes without an end');
  });

  it('gives up on who does not say what it wants', async () => {
    const pair = await proxied({ client: { limits: { handshakeTimeoutMs: 100 } } });
    const socket = await dial(first(pair));
    socket.write('CONNECT rev');
    expect((await readToEnd(socket)).received.length).toBe(0);
  });
});

describe('the SOCKS proxy', () => {
  const socks = () => capturing({ socks: ANY }, () => undefined);
  const to = (name: string, port: number): Buffer =>
    Buffer.concat([
      ...[Buffer.of(5, 1, 0, 3, name.length), Buffer.from(name), Buffer.of(port >> 8, port & 255)],
    ]);

  it('connects to a service by its name', async () => {
    const pair = await socks();
    const socket = connect(first(pair));
    socket.write(Buffer.of(5, 1, 0));
    expect(await nextChunk(socket)).toBe('\x05\0');
    socket.write(Buffer.concat([to('reviews.shop', 80), Buffer.from('hello')]));
    let heard = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
    });
    await until(() => heard.length === 15);
    expect(heard.toString('latin1')).toBe('\x05\0\0\x01\0\0\0\0\0\0hello');
    expect(pair.client.events.opened[0]).toMatchObject({ transport: 'hbone' });
    socket.destroy();
  });

  it.each([
    ['a service that has no such port', Buffer.concat([Buffer.of(5, 1, 0), to('reviews', 81)]), 4],
    ['UDP', Buffer.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0), 7],
  ])('says that it cannot do %s', async (_, bytes, reply) => {
    const socket = await dial(first(await socks()));
    const answer = readToEnd(socket);
    socket.write(bytes);
    const { received } = await answer;
    expect([...received].slice(0, 4)).toEqual([5, 0, 5, reply]);
  });

  it('takes only who comes without a password', async () => {
    const socket = await dial(first(await socks()));
    const answer = readToEnd(socket);
    socket.write(Buffer.of(5, 1, 2));
    expect([...(await answer).received]).toEqual([5, 0xff]);
  });
});

describe('captured DNS', () => {
  it('holds no drain up by a client that keeps its connection', async () => {
    const pair = await capturing({ dns: [ANY] }, () => undefined);
    const client = await dial(first(pair));
    await pair.client.proxy.drain(100);
    expect((await readToEnd(client)).received.length).toBe(0);
  });
});
