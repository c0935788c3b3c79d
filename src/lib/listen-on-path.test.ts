import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listenOnPath } from './listen-on-path.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-path-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const answering = (word: string): Server => createServer((socket) => socket.end(word));
const ended = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));

function answerAt(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path).setEncoding('utf8');
    let text = '';
    socket.on('data', (data) => {
      text += String(data);
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}

describe('a Unix socket with a name', () => {
  it("leaves its successor's there, however late it ends itself", async () => {
    const path = join(directory, 'taken-over.sock');
    const [first, second] = [answering('first'), answering('second')];
    const removeFirst = await listenOnPath(first, { path, mode: 0o600 });
    expect(await answerAt(path)).toBe('first');
    const removeSecond = await listenOnPath(second, { path, mode: 0o600 });
    removeFirst();
    await ended(first);
    expect(await answerAt(path)).toBe('second');
    removeSecond();
    await ended(second);
    expect(existsSync(path)).toBe(false);
  });

  it('is for those alone whom its mode allows', async () => {
    const path = join(directory, 'private.sock');
    const server = answering('hello');
    await listenOnPath(server, { path, mode: 0o600 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await ended(server);
  });

  it('names its path where it cannot be made', async () => {
    const path = join(directory, 'missing', 'x.sock');
    await expect(listenOnPath(answering('hello'), { path, mode: 0o600 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining(path),
    });
  });
});
