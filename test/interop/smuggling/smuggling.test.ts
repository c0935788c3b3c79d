import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/proxy/address.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { rawSend } from '../../kit/http-client.ts';
import { peer } from '../../kit/peer.ts';
import { allow, toOperation } from '../../kit/policies.ts';
import { LOOPBACK, startApp, startPair } from '../../kit/proxy-pair.ts';
import { smuggling } from '../../kit/smuggling-corpus.ts';

/** A program behind the sidecar, and the paths of the requests that it has seen. */
interface Backend extends AsyncDisposable {
  readonly address: Address;
  readonly seen: () => readonly string[];
}

const onlyOpen = allow([toOperation({ paths: ['/open*'] })], { name: 'only-open' });

async function node(): Promise<Backend> {
  const seen: string[] = [];
  const app = await startApp(
    createServer((request, response) => {
      seen.push(request.url ?? '');
      response.setHeader('x-path', request.url ?? '');
      response.setHeader('x-port', request.socket.remotePort ?? 0);
      request.resume().on('end', () => response.end('hello'));
    }),
  );
  return {
    address: app.address,
    seen: () => seen,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

async function program(
  binary: string,
  configure: (at: string, port: number) => readonly string[],
  seen: (at: string) => readonly string[],
): Promise<Backend> {
  const [port = 0] = await freePorts(1);
  const at = mkdtempSync(join(tmpdir(), 'hauberk-smuggling-'));
  mkdirSync(join(at, 'temp'));
  const child = spawn(binary, configure(at, port), { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await eventually('it listens', async () => {
    if (child.exitCode !== null) throw new Error(`${binary} ended with ${child.exitCode}`);
    const socket = connect({ host: LOOPBACK, port });
    const listens = once(socket, 'connect').then(
      () => true,
      () => false,
    );
    return await listens.finally(() => socket.destroy());
  });
  return {
    address: { host: LOOPBACK, port },
    seen: () => seen(at),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      rmSync(at, { recursive: true, force: true });
    },
  };
}

function nginx(binary: string): Promise<Backend> {
  return program(
    binary,
    (at, port) => {
      const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${at}/temp;`,
      );
      writeFileSync(
        join(at, 'nginx.conf'),
        `daemon off; pid ${at}/pid; error_log ${at}/error.log; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  log_format paths '$request_uri'; access_log ${at}/access.log paths; ${temp.join(' ')}
  server { listen ${LOOPBACK}:${port}; add_header X-Path $request_uri always; add_header X-Port $remote_port always; location / { return 200 hello; } }
}
`,
      );
      return ['-p', at, '-c', join(at, 'nginx.conf')];
    },
    (at) => readFileSync(join(at, 'access.log'), 'utf8').split('\n'),
  );
}

async function haproxy(binary: string): Promise<Backend> {
  const behind = await node();
  const front = await program(
    binary,
    (at, port) => {
      writeFileSync(
        join(at, 'haproxy.cfg'),
        `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen app
  bind ${LOOPBACK}:${port}
  http-after-response set-header X-Port %[src_port]
  server node ${LOOPBACK}:${behind.address.port}
`,
      );
      return ['-db', '-f', join(at, 'haproxy.cfg')];
    },
    () => behind.seen(),
  );
  return {
    ...{ address: front.address, seen: front.seen },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await behind[Symbol.asyncDispose]();
    },
  };
}

function holds(start: () => Promise<Backend>): void {
  it('lets no attempt of the corpus through to what is denied', async () => {
    await using backend = await start();
    await using pair = await startPair({
      app: backend.address,
      serverFacts: { authorizationPolicies: [onlyOpen] },
    });
    const open = 'GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect((await rawSend(pair.outbound, open)).status).toBe(200);
    const wrong: string[] = [];
    for (const { name, head, body } of smuggling) {
      // A good request first, so that an attempt finds a connection that is open.
      const first = 'GET /open/first HTTP/1.1\r\nHost: a\r\n\r\n';
      const { text } = await rawSend(pair.outbound, `${first}${head}${body}${open}`);
      const statuses = [...text.matchAll(/^HTTP\/1\.1 ([0-9]{3})/gm)].map(([, status]) => status);
      const refused =
        statuses.length === 1 || (statuses.length === 2 && /^4/.test(statuses[1] ?? ''));
      if (statuses[0] !== '200' || !refused) wrong.push(`${name}: ${statuses.join()}`);
    }
    expect(wrong).toEqual([]);
    expect(pair.server.events.malformed.length).toBeGreaterThanOrEqual(smuggling.length);
    const last = open.replace('/open', '/open/last');
    expect((await rawSend(pair.outbound, last)).status).toBe(200);
    // Some write their log when the answer is out; what came before the last is in it then.
    await eventually('the last is seen', () => backend.seen().includes('/open/last'));
    expect(backend.seen().filter((path) => path.includes('admin'))).toEqual([]);
  });

  it('gives no client the answer to another, whoever had the connection before', async () => {
    await using backend = await start();
    await using pair = await startPair({
      app: backend.address,
      serverFacts: { authorizationPolicies: [onlyOpen] },
    });
    const mixed: string[] = [];
    const ports: string[] = [];
    const askOwn = async (path: string): Promise<void> => {
      const { text } = await rawSend(
        pair.outbound,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      if (!new RegExp(`^x-path: ${path}\r$`, 'im').test(text)) mixed.push(`${path}: ${text}`);
      ports.push(/^x-port: (.*)/im.exec(text)?.[1] ?? '');
    };
    for (const [i, { head, body }] of smuggling.entries()) {
      const open = `GET /open/first HTTP/1.1\r\nHost: a\r\n\r\n`;
      const others = [1, 2, 3].map((n) => askOwn(`/open/${i}/${n}`));
      await Promise.all([rawSend(pair.outbound, `${open}${head}${body}`), ...others]);
      await askOwn(`/open/${i}/last`);
    }
    expect(mixed).toEqual([]);
    // Otherwise this has shown nothing: connections are handed on.
    expect(new Set(ports).size).toBeLessThan(ports.length);
  });

  it('keeps requests and answers in step', async () => {
    await using backend = await start();
    await using pair = await startPair({
      app: backend.address,
      serverFacts: { authorizationPolicies: [onlyOpen] },
    });
    const parts = [
      'POST /open/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n',
      'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /open/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
      'HEAD /open/c HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /open/d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    ];
    const { text } = await rawSend(pair.outbound, parts.join(''));
    const statuses = [...text.matchAll(/HTTP\/1\.1 ([0-9]{3})/g)].map(([, status]) => status);
    expect(statuses).toEqual(['200', '403', '200', '200', '200']);
    // Some write their log when the answer is out.
    await eventually('the last is seen', () => backend.seen().includes('/open/d'));
    expect(backend.seen().filter((path) => path.startsWith('/open/'))).toEqual([
      '/open/a',
      '/open/b',
      '/open/c',
      '/open/d',
    ]);
  });
}

describe('with node', () => holds(node));
peer('nginx', (binary) => holds(() => nginx(binary)));
peer('haproxy', (binary) => holds(() => haproxy(binary)));
