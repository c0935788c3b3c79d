// What the three services share: a small JSON server on loopback and a client without a pool.
import { createServer, get } from 'node:http';

const UPSTREAM_TIMEOUT_MS = 5_000;

/** Serves `answer(note)` as JSON on 127.0.0.1:$PORT and writes one log line a request. */
export function serve(name, answer) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://shop');
    const note = url.searchParams.get('note') ?? '';
    if (note !== '') console.log(`${name} ${request.method} ${url.pathname} note=${note}`);
    try {
      const body = { service: name, ...(await answer(note)) };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    } catch (error) {
      response.writeHead(502, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify({ service: name, error: error.message })}\n`);
    }
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env.PORT), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
}

/** GET `base + path`, a connection of its own for each request, the answer parsed as JSON. */
export function fetchJson(base, path, note) {
  const url = new URL(path, base);
  if (note !== '') url.searchParams.set('note', note);
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: UPSTREAM_TIMEOUT_MS }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) {
          return reject(new Error(`${url.host} answered ${response.statusCode}`));
        }
        resolve(JSON.parse(Buffer.concat(chunks).toString()));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url.host} did not answer in time`)));
    request.on('error', reject);
  });
}
