import { get } from 'node:http';

/** What came back for one GET on a connection of its own. */
export interface PlainAnswer {
  /** Undefined when the connection was refused or broken off. */
  readonly status: number | undefined;
  readonly text: string;
}

const TIMEOUT_MS = 5_000;

/** A client that knows nothing of the mesh: plain HTTP to a port of 127.0.0.1. Never rejects. */
export function plainGet(port: number, path = '/'): Promise<PlainAnswer> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve({ status: undefined, text: error.message });
    const request = get(
      { host: '127.0.0.1', port, path, agent: false, timeout: TIMEOUT_MS },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () =>
          resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', failed);
  });
}
