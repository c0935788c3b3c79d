import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

  it('removes what others left who were killed before they got the name, and nothing else', async () => {
    const place = join(directory, 'place');
    mkdirSync(place);
    const path = join(place, 'x.sock');
    const script = `
      const server = require('node:net').createServer();
      server.listen(process.argv[1] + '.' + process.pid, () => console.log(process.pid));`;
    const child = spawn(process.execPath, ['-e', script, path]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const another = answering('another one');
    // The first process is always there.
    await new Promise<void>((resolve) => another.listen(`${path}.1`, resolve));
    const gone = child.pid;
    const kept = ['x.sock', 'x.sock.1', 'x.sock.new', `y.sock.${gone}`];
    for (const name of kept.slice(2)) writeFileSync(join(place, name), '');
    const listen = async (): Promise<ReadonlySet<string>> => {
      const server = answering('hello');
      await listenOnPath(server, { path, mode: 0o600 });
      const names = new Set(readdirSync(place));
      await ended(server);
      return names;
    };
    expect(await listen()).toEqual(new Set([...kept, `x.sock.${gone}`]));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect(await listen()).toEqual(new Set(kept));
    writeFileSync(`${path}.${gone}`, 'no socket');
    expect(await listen()).toEqual(new Set([...kept, `x.sock.${gone}`]));
    await ended(another);
  });

  it('names its path where it cannot be made', async () => {
    const path = join(directory, 'missing', 'x.sock');
    await expect(listenOnPath(answering('hello'), { path, mode: 0o600 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringContaining(path),
    });
    const long = join(directory, 'x'.repeat(100));
    await expect(
      listenOnPath(answering('hello'), { path: long, mode: 0o600 }),
    ).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: expect.stringMatching(/"[^"]+xxx": .* at most \d+; choose a directory/),
    });
  });
});
