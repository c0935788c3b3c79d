import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { httpsGet } from './https-get.ts';

const authority = testAuthority();
const svid = authority.issue('spiffe://cluster.local/ns/a/sa/b', { dnsSans: ['localhost'] });
const { ca: roots, key, cert } = authority.pems(svid);
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer({ key, cert }, (request, response) => {
    const redirect = (location: string): void => void response.writeHead(302, { location }).end();
    switch (request.url) {
      case '/page':
        return void response.end('hello');
      case '/moved':
        return redirect('/page');
      case '/elsewhere':
        return redirect('https://127.0.0.1:1/page');
      case '/plain':
        return redirect(`http://localhost:${(server.address() as AddressInfo).port}/page`);
      case '/loop':
        return redirect('/loop');
      case '/large':
        return void response.end('x'.repeat(2_000));
      case '/silent':
        return undefined;
      default:
        return void response.writeHead(404).end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const get = (path: string) => {
  const timeoutMs = path === '/silent' ? 500 : 20_000;
  return httpsGet({ url: new URL(path, origin), roots, maxBytes: 1_000, timeoutMs });
};

it.each(['/page', '/moved'])('gets %s', async (path) => {
  expect(await get(path)).toBe('hello');
});

it.each([
  ['/elsewhere', 'ERR_WIRE', /not the same server/],
  ['/plain', 'ERR_WIRE', /not the same server/],
  ['/loop', 'ERR_WIRE', /more than 3 times/],
  ['/missing', 'ERR_WIRE', /status 404/],
  ['/large', 'ERR_LIMIT', /more than 1000 bytes/],
  ['/silent', 'ERR_UNREACHABLE', /no answer within 500 ms/],
])('refuses %s', async (path, code, message) => {
  const refused = get(path);
  await expect(refused).rejects.toMatchObject({ code });
  await expect(refused).rejects.toThrow(message);
});

it('believes no server that the roots do not prove', async () => {
  const question = { url: new URL('/page', origin), roots: testAuthority().bundle.toPem() };
  await expect(httpsGet(question)).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  await expect(httpsGet({ url: new URL('http://localhost/') })).rejects.toThrow(/not https/);
});
