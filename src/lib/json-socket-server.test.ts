import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveJsonSocket } from './json-socket-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'hauberk-json-'));
const socketPath = join(directory, 'admin.sock');
const stopping = new AbortController();
let served: Promise<void>;

beforeAll(async () => {
  const run = await serveJsonSocket({
    socketPath,
    routes: { 'POST /v1/echo': async ({ query, body }) => ({ query: query.get('q'), body }) },
  });
  served = run(stopping.signal);
});
afterAll(async () => {
  stopping.abort();
  await served;
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

function call(method: string, path: string, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path }, async (response) => {
      const chunks = await response.toArray();
      resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('a private JSON interface', () => {
  it('answers on its routes', async () => {
    expect(await call('POST', '/v1/echo?q=1', '{"a":2}')).toEqual({
      status: 200,
      body: { query: '1', body: { a: 2 } },
    });
  });

  it.each(['/v1/other', '//', 'http://[', '/v1/echo/../../x', '*'])(
    'says that nothing is at %s',
    async (path) => {
      const { status, body } = await call('POST', path);
      expect(status).toBe(400);
      expect(body).toMatchObject({ error: { code: 'ERR_NOT_FOUND' } });
    },
  );

  it('refuses what is not JSON, and what is too long', async () => {
    expect(await call('POST', '/v1/echo', '{')).toMatchObject({
      status: 400,
      body: { error: { code: 'ERR_WIRE', message: 'the request body is not JSON' } },
    });
    expect(await call('POST', '/v1/echo', `"${'x'.repeat(2 * 1024 * 1024)}"`)).toMatchObject({
      status: 400,
      body: { error: { code: 'ERR_LIMIT' } },
    });
  });
});
