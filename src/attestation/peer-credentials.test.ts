import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { peerCredentials } from './peer-credentials.ts';

function fdOf(socket: Socket): number {
  return (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

function numberOf(flag: string): number {
  return Number(execFileSync('id', [flag], { encoding: 'utf8' }));
}

it('knows the process, user and group at the other end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-ucred-'));
  const path = join(directory, 'a.sock');
  const server = createServer();
  onTestFinished(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = connect(path);
  const socket = await accepted;
  expect(peerCredentials(fdOf(socket))).toEqual({
    ...{ pid: process.pid, uid: numberOf('-u'), gid: numberOf('-g') },
  });
  client.destroy();
  socket.destroy();
});

it.each([
  ['a file', () => openSync('/dev/null', 'r')],
  ['a closed descriptor', () => 99_999],
])('refuses %s', (_what, fd) => {
  expect(() => peerCredentials(fd())).toThrow(
    expect.objectContaining({ code: 'ERR_UNAUTHENTICATED' }),
  );
});
