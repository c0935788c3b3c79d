import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import {
  closeDescriptor,
  duplicateDescriptor,
  type PassedDescriptor,
  receiveDescriptor,
  sendDescriptor,
} from './pass-descriptors.ts';

let directory: string;
let near: Socket;
let far: Socket;
let server: Server;

const fdOf = (handle: Socket | Server): number =>
  (handle as unknown as { _handle: { fd: number } })._handle.fd;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-pass-'));
  const path = join(directory, 'socket');
  const accepted = Promise.withResolvers<Socket>();
  server = createServer({ pauseOnConnect: true }, accepted.resolve);
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  far = connect(path);
  far.pause();
  far.on('error', () => undefined);
  near = await accepted.promise;
});
afterEach(() => {
  for (const socket of [near, far]) socket.destroy();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function next(): Promise<PassedDescriptor | 'end'> {
  const came: (PassedDescriptor | 'end')[] = [];
  await eventually('a descriptor', () => {
    const answer = receiveDescriptor(fdOf(far));
    if (answer !== 'later') came.push(answer);
    return came.length > 0;
  });
  return came[0] ?? 'end';
}

async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const tcp = createServer((socket) => socket.end('served'));
  await new Promise<void>((resolve) => {
    tcp.listen(0, '127.0.0.1', resolve);
  });
  const bound = tcp.address();
  return { server: tcp, port: typeof bound === 'object' && bound !== null ? bound.port : 0 };
}

function read(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
}

describe('descriptors on their way to another process', () => {
  it('are there one after the other, each with its note, and then the end', async () => {
    expect(receiveDescriptor(fdOf(far))).toBe('later');
    const tcp = await listening();
    expect(sendDescriptor(fdOf(near), { fd: fdOf(tcp.server), note: 'one' })).toBe(true);
    expect(sendDescriptor(fdOf(near), { fd: fdOf(tcp.server), note: 'two' })).toBe(true);
    near.end();
    const [one, two] = [await next(), await next()];
    expect([one, two]).toMatchObject([{ note: 'one' }, { note: 'two' }]);
    expect(await next()).toBe('end');
    tcp.server.close();
    for (const each of [one, two]) if (each !== 'end') closeDescriptor(each.fd);
  });

  it('go on listening where they arrive, with what waits in the queue', async () => {
    const tcp = await listening();
    sendDescriptor(fdOf(near), { fd: fdOf(tcp.server), note: 'a listener' });
    const came = await next();
    if (came === 'end') throw new Error('nothing came');
    await new Promise((resolve) => tcp.server.close(resolve));
    // Nobody accepts now, and yet the kernel takes it.
    const answer = read(tcp.port);
    const successor = createServer((socket) => socket.end('by the successor'));
    successor.listen({ fd: came.fd });
    expect(await answer).toBe('by the successor');
    successor.close();
  });

  it('are refused as full when nobody receives, and as gone when there is nobody', async () => {
    const fd = fdOf(server);
    const sent: boolean[] = [];
    while (sent.at(-1) !== false)
      sent.push(sendDescriptor(fdOf(near), { fd, note: 'x'.repeat(99) }));
    expect(sent.length).toBeGreaterThan(10);
    far.destroy();
    await eventually('it to be gone', () => far.closed);
    expect(() => sendDescriptor(fdOf(near), { fd, note: 'x' })).toThrow(/cannot send a descriptor/);
  });
});

describe('a duplicate', () => {
  it('keeps a listener open when the first one is closed', async () => {
    const tcp = await listening();
    const copy = duplicateDescriptor(fdOf(tcp.server));
    await new Promise((resolve) => tcp.server.close(resolve));
    const waiting = connect(tcp.port, '127.0.0.1');
    await new Promise((resolve) => waiting.once('connect', resolve));
    waiting.destroy();
    closeDescriptor(copy);
    await expect(read(tcp.port)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('of what is no descriptor is refused', () => {
    expect(() => duplicateDescriptor(1_000_000)).toThrow(/cannot duplicate descriptor 1000000/);
  });
});
