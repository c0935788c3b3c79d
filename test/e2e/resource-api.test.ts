import { readFileSync, statSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { encodePem } from '../../src/x509/pem.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';

let plane: ControlPlaneRig;
let ca: string;
let admin: { readonly cert: string; readonly key: string };

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  const config = parse(readFileSync(plane.kubeconfig, 'utf8'));
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  ca = decode(config.clusters[0].cluster['certificate-authority-data']);
  const { user } = config.users[0];
  admin = {
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  };
});
afterAll(() => plane.close());

interface Answer {
  readonly status: number;
  readonly body: string;
}

function call(
  path: string,
  options: {
    readonly method?: string;
    readonly body?: string | Buffer;
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const { method = 'GET', body, tls = {}, headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: plane.apiPort, path, method, headers, ca, ...tls, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('the listener of the resource API', () => {
  it('leaves a kubeconfig for its owner alone', () => {
    expect(statSync(plane.kubeconfig).mode & 0o777).toBe(0o600);
  });

  it('lets the administrator in, over HTTP/1.1 and HTTP/2', async () => {
    expect((await call('/api/v1/secrets', { tls: admin })).status).toBe(200);
    const session = connect(`https://127.0.0.1:${plane.apiPort}`, { ca, ...admin });
    expect(await overHttp2(session, '/api/v1/secrets')).toBe(200);
    session.close();
  });

  it('answers the nameless nothing but refusals', async () => {
    const refused = await call('/api/v1/secrets');
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('system:anonymous');
    const wrong = await call('/api/v1/secrets', { headers: { authorization: 'Bearer nonsense' } });
    expect(wrong.status).toBe(401);
  });

  it('takes no workload’s certificate for a client’s', async () => {
    const { identity } = await enrolled(plane, 'reviews');
    const { chain, privateKey } = identity.svid;
    const cert = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const tls = { cert, key };
    expect((await call('/api/v1/secrets', { tls })).status).toBe(401);
  });

  it('refuses a body that is too large before it has read it', async () => {
    const answered = await call('/api/v1/namespaces', {
      method: 'POST',
      tls: admin,
      body: Buffer.alloc(10 * 1024 * 1024, 0x20),
    }).catch((error: Error) => ({ status: 413, body: error.message }));
    expect(answered.status).toBe(413);
    expect((await call('/healthz', { tls: admin })).body).toBe('ok');
  });
});

function overHttp2(session: ClientHttp2Session, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    stream.on('response', (headers) => resolve(Number(headers[':status'])));
    stream.on('error', reject);
    stream.resume();
    stream.end();
  });
}
