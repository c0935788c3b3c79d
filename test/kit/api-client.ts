import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parse } from 'yaml';

export interface ApiCall {
  readonly method?: string;
  /** A string or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `nobody` brings no certificate. Default: the administrator. */
  readonly as?: 'admin' | 'nobody';
}

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly json: any;
}

/** Calls a resource API over HTTP/1.1 with what a kubeconfig says. Every call has a connection of its own. */
export function apiClient(kubeconfig: string): (path: string, call?: ApiCall) => Promise<ApiReply> {
  const config = parse(readFileSync(kubeconfig, 'utf8'));
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const ca = decode(cluster['certificate-authority-data']);
  const cert = decode(user['client-certificate-data']);
  const key = decode(user['client-key-data']);
  const { hostname: host, port } = new URL(cluster.server);
  return (path, { method = 'GET', body, headers = {}, as = 'admin' } = {}) => {
    const given = typeof body === 'string' || body instanceof Uint8Array;
    const sent = body === undefined || given ? body : JSON.stringify(body);
    const tls = as === 'admin' ? { cert, key } : {};
    return new Promise((resolve, reject) => {
      const call = request(
        {
          ...{ host, port, path, method, ca, ...tls, agent: false },
          headers: { 'content-type': 'application/json', ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const bytes = Buffer.concat(chunks);
            const isJson = response.headers['content-type']?.startsWith('application/json');
            const packed = response.headers['content-encoding'] !== undefined;
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: bytes,
              json: isJson && !packed ? JSON.parse(bytes.toString()) : undefined,
            });
          });
        },
      );
      call.on('error', reject);
      call.end(sent);
    });
  };
}
