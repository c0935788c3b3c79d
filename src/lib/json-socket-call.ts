import { request } from 'node:http';
import { MeshError, type MeshErrorCode, messageOf } from './errors.ts';

export interface JsonCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

/**
 * One JSON call over a Unix socket.
 *
 * @param explain makes the sentence for an operator of why the socket could not be asked.
 * @throws {MeshError} ERR_UNREACHABLE with that sentence; else the error that was answered.
 */
export function callJsonSocket<T>(
  socketPath: string,
  call: JsonCall,
  explain: (reason: string) => string,
): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) query.set(name, value);
  }
  const path = query.size > 0 ? `${call.path}?${query}` : call.path;
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(
        new MeshError('ERR_UNREACHABLE', explain(error.code ?? messageOf(error)), { cause: error }),
      );
    const sent = request(
      { socketPath, path, method: call.method, timeout: call.timeoutMs ?? 10_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () => {
          try {
            resolve(answerOf<T>(response.statusCode ?? 0, Buffer.concat(chunks).toString()));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', failed);
    sent.end(call.body === undefined ? undefined : JSON.stringify(call.body));
  });
}

function answerOf<T>(status: number, text: string): T {
  const value = JSON.parse(text) as T & {
    readonly error?: { readonly code: MeshErrorCode; readonly message: string };
  };
  if (status === 200) return value;
  throw new MeshError(value.error?.code ?? 'ERR_WIRE', value.error?.message ?? `status ${status}`);
}
