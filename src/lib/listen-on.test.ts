import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { listenOn } from './listen-on.ts';

const wish = { host: '127.0.0.1', insteadWith: 'with --xds' };
const servers: Server[] = [];

function server(): Server {
  const made = createServer();
  servers.push(made);
  return made;
}

afterEach(() => {
  for (const each of servers.splice(0)) each.close();
});

describe('listenOn', () => {
  it('gives the port that a server got', async () => {
    const made = server();
    const port = await listenOn(made, { ...wish, port: 0 });
    expect(made.address()).toMatchObject({ address: '127.0.0.1', port });
  });

  it('says who is in the way, and how to go elsewhere', async () => {
    const port = await listenOn(server(), { ...wish, port: 0 });
    await expect(listenOn(server(), { ...wish, port, purpose: 'the test' })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on 127.0.0.1:${port} for the test: another program listens there; stop it or choose another port with --xds`,
    });
  });

  it('passes on what else is wrong with an address', async () => {
    await expect(listenOn(server(), { ...wish, host: '192.0.2.1', port: 0 })).rejects.toMatchObject(
      {
        code: 'ERR_LISTEN',
        message: expect.stringMatching(/^cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL/),
      },
    );
  });

  it('goes on after what the system refused to accept', async () => {
    const made = server();
    await listenOn(made, { ...wish, port: 0 });
    expect(made.emit('error', new Error('accept EMFILE'))).toBe(true);
    expect(made.emit('error', new Error('accept ENFILE'))).toBe(true);
    expect(made.listening).toBe(true);
  });
});
