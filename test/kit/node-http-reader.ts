import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** A request as Node's own server reads it. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string | undefined;
  /** Names in lower case, in order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface ReadByNode {
  readonly requests: readonly ReadRequest[];
  /** Node found something that it does not take for HTTP. */
  readonly refused: boolean;
  /** What stood behind CONNECT or an upgrade, of which no more is read. */
  readonly opaque: boolean;
}

/** A connection that gives some bytes in pieces and takes everything. */
class Bytes extends Duplex {
  readonly #pieces: Buffer[];

  constructor(pieces: readonly Buffer[]) {
    super({ allowHalfOpen: true });
    this.#pieces = [...pieces];
  }

  override _read(): void {
    this.push(this.#pieces.shift() ?? null);
  }

  override _write(_chunk: Buffer, _encoding: string, written: () => void): void {
    written();
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
}

/** What Node's HTTP server makes of the bytes of a connection, which end where the bytes do. */
export async function readByNode(pieces: readonly Buffer[]): Promise<ReadByNode> {
  const requests: ReadRequest[] = [];
  const read = { refused: false, opaque: false };
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  const connection = new Bytes(pieces);
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    const at = requests.push(readFrom(request, Buffer.alloc(0))) - 1;
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests[at] = readFrom(request, Buffer.concat(chunks));
      response.end();
    });
    request.on('error', () => undefined);
  });
  for (const event of ['connect', 'upgrade'] as const) {
    server.on(event, (request: IncomingMessage) => {
      requests.push(readFrom(request, Buffer.alloc(0)));
      read.opaque = true;
      connection.destroy();
    });
  }
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', () => {
    read.refused = true;
    connection.destroy();
  });
  const closed = new Promise((resolve) => connection.once('close', resolve));
  connection.on('error', () => undefined);
  server.emit('connection', connection);
  await closed;
  return { ...read, requests };
}

function readFrom(request: IncomingMessage, body: Buffer): ReadRequest {
  const fields: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    fields.push([(request.rawHeaders[i] ?? '').toLowerCase(), request.rawHeaders[i + 1] ?? '']);
  }
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    host: request.headers.host,
    fields,
    body: body.toString('latin1'),
  };
}
