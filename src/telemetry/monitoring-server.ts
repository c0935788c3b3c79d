import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { aborted } from '../lib/aborted.ts';
import { messageOf } from '../lib/errors.ts';
import { listenOn } from '../lib/listen-on.ts';
import type { Task } from '../lib/tasks.ts';

export interface MonitoringPage {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface MonitoringServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The flag that says where, for the message when the port is taken. */
  readonly flag: string;
  /** By path. */
  readonly pages: Readonly<Record<string, () => Promise<MonitoringPage>>>;
}

const TIMEOUT_MS = 5_000;
const MOST_CONNECTIONS = 64;

/**
 * Plain HTTP for programs that watch this one: metrics, health, readiness. Nothing secret is on it,
 * and nothing can be changed by it.
 *
 * @throws {MeshError} ERR_LISTEN when the address is taken or not ours.
 */
export async function startMonitoringServer(
  options: MonitoringServerOptions,
): Promise<{ readonly port: number; readonly run: Task }> {
  const { listen, flag, pages } = options;
  const server = createServer(
    { requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS, maxHeaderSize: 8 * 1024 },
    (request, response) => {
      void answer(request, response, pages);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  const port = await listenOn(server, { ...listen, insteadWith: `with ${flag}, or "${flag} off"` });
  return {
    port,
    run: async (signal) => {
      await aborted(signal);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: MonitoringServerOptions['pages'],
): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?');
  const readable = request.method === 'GET' || request.method === 'HEAD';
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  const { status, contentType, body } =
    page === undefined
      ? text(404, `nothing is here; there is ${Object.keys(pages).join(', ')}`)
      : readable
        ? await page().catch((error: unknown) => text(500, messageOf(error)))
        : text(405, 'only GET is answered');
  response.writeHead(status, { 'content-type': contentType });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** A page of one line. */
export function text(status: number, line: string): MonitoringPage {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` };
}
