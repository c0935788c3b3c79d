import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { MeshError } from '../lib/errors.ts';
import type { ApiAccess } from './api-access.ts';
import { ApiError, statusIn } from './api-error.ts';
import { connectionError, credentialProblem } from './explain-connection.ts';

export interface ApiCall {
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With a leading slash, steps escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Until the answer is whole. Default 30 s; 0 for none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Asks one API server, over connections that are kept while the client is. */
export interface ApiClient {
  readonly access: ApiAccess;
  /** The JSON of the answer. */
  json<T>(call: ApiCall): Promise<T>;
  text(call: ApiCall): Promise<string>;
  /** The answer line by line as it comes, until it ends or `signal` aborts. */
  lines(call: ApiCall): AsyncGenerator<string>;
  /** The answer in pieces as they come. */
  chunks(call: ApiCall): AsyncGenerator<Buffer>;
  close(): void;
}

export interface ApiClientOptions {
  readonly access: ApiAccess;
  /** What the audit log calls the program: `hauberk/0.1.0`. */
  readonly userAgent: string;
  /** Told each warning of the server. */
  readonly warned?: (warning: string) => void;
}

const LARGEST_ANSWER = 128 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const CONNECT_MS = 10_000;
const MOST_SOCKETS = 8;

/** A client of the Kubernetes API at `access`; every call may throw ApiError or ERR_UNREACHABLE. */
export function apiClient(options: ApiClientOptions): ApiClient {
  const { access } = options;
  const agent = new Agent({
    ...tlsOf(access),
    keepAlive: true,
    maxSockets: MOST_SOCKETS,
    timeout: 0,
  });
  const text = async (call: ApiCall): Promise<string> => {
    const limit = withDeadline(call);
    try {
      return await wholeBody(await send(limit.call, options, agent));
    } catch (error) {
      throw limit.expired() ? tooSlow(call, access) : error;
    } finally {
      limit.clear();
    }
  };
  return {
    access,
    text,
    json: async (call) => parsed(await text(call), access),
    async *lines(call) {
      const response = await send(call, options, agent);
      try {
        yield* createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
      } finally {
        response.destroy();
      }
    },
    async *chunks(call) {
      const response = await send(call, options, agent);
      try {
        for await (const chunk of response) yield chunk as Buffer;
      } finally {
        response.destroy();
      }
    },
    close: () => agent.destroy(),
  };
}

function tlsOf({ ca, credentials, serverName }: ApiAccess) {
  const { cert, key } = credentials.by === 'certificate' ? credentials : {};
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    minVersion: 'TLSv1.2' as const,
  };
}

/** The answer's head; its body is read by the caller. @throws for every status but 2xx. */
async function send(
  call: ApiCall,
  options: ApiClientOptions,
  agent: Agent,
): Promise<IncomingMessage> {
  const { access, warned } = options;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const { method = 'GET', signal } = call;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const sent = request(urlOf(call, access), {
      agent,
      method,
      headers: headersOf(call, body, options),
      ...(signal === undefined ? {} : { signal }),
    });
    const connecting = setTimeout(
      () => sent.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
      CONNECT_MS,
    );
    sent.once('socket', (socket) => {
      if (!socket.connecting) return clearTimeout(connecting);
      socket.once('secureConnect', () => clearTimeout(connecting));
    });
    sent.once('response', resolve);
    sent.once('error', (error) => reject(signal?.aborted ? error : connectionError(error, access)));
    sent.once('close', () => clearTimeout(connecting));
    sent.end(body);
  });
  for (const warning of warningsIn(response)) warned?.(warning);
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode < 300) return response;
  const status = statusIn(statusCode, await wholeBody(response));
  if (statusCode !== 401) throw new ApiError(status);
  const message = credentialProblem(access, Date.now()) ?? status.message;
  throw new ApiError({ ...status, message });
}

function urlOf({ path, query = {} }: ApiCall, { server }: ApiAccess): URL {
  const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.append(name, String(value));
  }
  return url;
}

function headersOf(
  { contentType = 'application/json', accept = 'application/json' }: ApiCall,
  body: string | undefined,
  { access, userAgent }: ApiClientOptions,
): Record<string, string | string[]> {
  const { credentials, impersonate } = access;
  return {
    accept,
    'user-agent': userAgent,
    // Node frames the body of a DELETE only when it is told how long it is.
    ...(body === undefined
      ? {}
      : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) }),
    ...(credentials.by === 'token' ? { authorization: `Bearer ${credentials.token}` } : {}),
    ...(impersonate === undefined
      ? {}
      : {
          'impersonate-user': impersonate.user,
          ...(impersonate.groups.length === 0
            ? {}
            : { 'impersonate-group': [...impersonate.groups] }),
        }),
  };
}

/** `299 - "text"`, as Kubernetes writes them; several stand in one header. */
function warningsIn({ headers }: IncomingMessage): readonly string[] {
  const header = headers['warning'] ?? '';
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replaceAll(/\\(.)/g, '$1'),
  );
}

async function wholeBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_ANSWER) {
      throw new MeshError(
        'ERR_LIMIT',
        `the answer is larger than ${LARGEST_ANSWER} bytes; ask for less with a selector or --chunk-size`,
      );
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

function parsed<T>(body: string, { server }: ApiAccess): T {
  try {
    return JSON.parse(body) as T;
  } catch (cause) {
    throw new MeshError('ERR_WIRE', `${server.origin} answers with something that is no JSON`, {
      cause,
    });
  }
}

function withDeadline(call: ApiCall) {
  const { timeoutMs = TIMEOUT_MS, signal } = call;
  const deadline = new AbortController();
  const timer = timeoutMs > 0 ? setTimeout(() => deadline.abort(), timeoutMs) : undefined;
  const signals = [deadline.signal, ...(signal === undefined ? [] : [signal])];
  return {
    call: { ...call, signal: AbortSignal.any(signals) },
    expired: () => deadline.signal.aborted,
    clear: () => clearTimeout(timer),
  };
}

function tooSlow({ timeoutMs = TIMEOUT_MS }: ApiCall, { server }: ApiAccess): MeshError {
  return new MeshError(
    'ERR_UNREACHABLE',
    `${server.origin} has not answered within ${timeoutMs / 1_000} s`,
  );
}
