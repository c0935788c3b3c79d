/**
 * What the resource API carries: creates with validation and watchers, lists, fan-out, start with many objects.
 * `node bench/resource-api.ts [--objects 10000] [--watchers 1000] [--changes 200]`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';

const program = fileURLToPath(new URL('../bin/hauberk', import.meta.url));
const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '10000' },
    watchers: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '200' },
  },
});
const objects = Number(values.objects);
const watchers = Number(values.watchers);
const changes = Number(values.changes);
const COLLECTION = '/apis/security.istio.io/v1/namespaces/default/peerauthentications';
const STREAMS = 32;

interface Server {
  readonly child: ChildProcess;
  readonly startMs: number;
  readonly session: () => ClientHttp2Session;
}

async function start(dataDir: string): Promise<Server> {
  const began = performance.now();
  const args = [program, 'up', '--data-dir', dataDir, '--xds', '127.0.0.1:0'];
  const child = spawn(process.execPath, [...args, '--api-listen', '127.0.0.1:0', '-o', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = await new Promise<{ kubeconfig: string }>((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error('hauberk up ended')));
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.trimEnd().endsWith('}')) resolve(JSON.parse(text));
    });
  });
  const config = parse(readFileSync(ready.kubeconfig, 'utf8'));
  const { user } = config.users[0];
  const { cluster } = config.clusters[0];
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  const session = () => {
    const made = connect(cluster.server, {
      // As large as Go's, or the windows would be what is measured.
      settings: { initialWindowSize: 4 * 1024 * 1024 },
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
    made.once('connect', () => made.setLocalWindowSize(256 * 1024 * 1024));
    return made;
  };
  const first = session();
  await call(first, 'GET', '/healthz');
  first.close();
  return { child, startMs: performance.now() - began, session };
}

function call(
  session: ClientHttp2Session,
  method: string,
  path: string,
  body?: object,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      'content-type': 'application/json',
    });
    const chunks: Buffer[] = [];
    let status = 0;
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const answer = Buffer.concat(chunks);
      if (status < 300) resolve(answer);
      else reject(new Error(`${method} ${path}: ${status} ${answer.toString().slice(0, 200)}`));
    });
    stream.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Watches until `expected` events have come. */
function watch(session: ClientHttp2Session, from: string, expected: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': `${COLLECTION}?watch=true&resourceVersion=${from}` });
    let seen = 0;
    stream.on('error', reject);
    stream.on('close', () =>
      reject(new Error(`a watch ended after ${seen} events, reset with ${stream.rstCode}`)),
    );
    stream.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) seen += 1;
      if (seen < expected) return;
      resolve();
      stream.close();
    });
  });
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: STREAMS }, lane));
}

const policy = (index: number): object => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: {
    name: `p${index}`,
    labels: { app: `app-${index % 100}`, team: 'bench' },
    annotations: { note: 'x'.repeat(300) },
  },
  spec: { selector: { matchLabels: { app: `app-${index}` } }, mtls: { mode: 'STRICT' } },
});

function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

async function newest(session: ClientHttp2Session): Promise<string> {
  const list = await call(session, 'GET', `${COLLECTION}?limit=1`);
  return JSON.parse(list.toString()).metadata.resourceVersion;
}

const dataDir = mkdtempSync(join(tmpdir(), 'hauberk-bench-api-'));
let server = await start(dataDir);
const stop = async (): Promise<void> => {
  const ended = new Promise((resolve) => server.child.once('exit', resolve));
  server.child.kill('SIGTERM');
  await ended;
};
try {
  const session = server.session();
  const readers = server.session();
  const report = (what: string, value: string): void => console.log(`${what.padEnd(52)} ${value}`);
  const from = await newest(session);
  const seen = Array.from({ length: 10 }, () => watch(readers, from, objects));
  let began = performance.now();
  await inParallel(objects, (index) => call(session, 'POST', COLLECTION, policy(index)));
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(seen);
  report(
    'create, validated, 10 watchers, over TLS and HTTP/2',
    `${Math.round(objects / seconds)}/s`,
  );
  report(`memory of the control plane with ${objects} objects`, `${rssMb(server.child)} MB`);
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    began = performance.now();
    await call(session, 'GET', COLLECTION);
    times.push(performance.now() - began);
  }
  report(`list of ${objects} objects, best of 5`, `${Math.min(...times).toFixed(0)} ms`);
  const here = await newest(session);
  const sessions = Array.from({ length: 10 }, () => server.session());
  const all = Array.from({ length: watchers }, (_, index) =>
    watch(sessions[index % sessions.length] as ClientHttp2Session, here, changes),
  );
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  began = performance.now();
  await inParallel(changes, (index) => call(session, 'DELETE', `${COLLECTION}/p${index}`));
  await Promise.all(all);
  report(
    `${watchers} watchers see ${changes} changes`,
    `${(performance.now() - began).toFixed(0)} ms`,
  );
  report('memory then', `${rssMb(server.child)} MB`);
  for (const each of [session, readers, ...sessions]) each.close();
  await stop();
  server = await start(dataDir);
  report(
    `start to first answer with ${objects - changes} objects stored`,
    `${server.startMs.toFixed(0)} ms`,
  );
  report('memory after the start', `${rssMb(server.child)} MB`);
} finally {
  await stop();
  rmSync(dataDir, { recursive: true, force: true });
}
