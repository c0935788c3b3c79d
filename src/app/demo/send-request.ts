import { request } from 'node:http';

/** What came back for one request. */
export interface RequestAnswer {
  /** Undefined when the connection was refused or broken off. */
  readonly status: number | undefined;
  /** The header in which a sidecar names who refused. */
  readonly deniedBy: string | undefined;
  readonly text: string;
}

export interface AskedRequest {
  readonly port: number;
  /** Sent as it is written, dots and all. */
  readonly path: string;
  /** Default GET. */
  readonly method?: string;
  readonly token?: string;
}

const TIMEOUT_MS = 5_000;

/** As `plainGet`, of any method and with a token. Never rejects. */
export function sendRequest(asked: AskedRequest): Promise<RequestAnswer> {
  const { port, path, method = 'GET', token } = asked;
  return new Promise((resolve) => {
    const failed = (error: Error): void =>
      resolve({ status: undefined, deniedBy: undefined, text: error.message });
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false } as const;
    const sent = request({ ...options, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        const deniedBy = response.headers['x-hauberk-denied-by'];
        resolve({
          status: response.statusCode,
          deniedBy: typeof deniedBy === 'string' ? deniedBy : undefined,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on('error', failed);
    sent.end();
  });
}
