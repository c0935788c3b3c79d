import type { Field } from './fields.ts';
import type { OwnAnswer } from './http-guard.ts';
import type { HttpRequest } from './http-request.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  408: 'Request Timeout',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** An answer of our own as HTTP/1 sends it. */
export function formatAnswer(
  { status, fields, body }: OwnAnswer,
  how: { readonly method: string; readonly close: boolean },
): Buffer {
  const bytes = Buffer.from(body);
  const named = new Set(fields.map(([name]) => name.toLowerCase()));
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Refused'}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  if (!named.has('content-type')) text += 'content-type: text/plain\r\n';
  text += `content-length: ${bytes.length}\r\n`;
  if (how.close) text += 'connection: close\r\n';
  const head = Buffer.from(`${text}\r\n`, 'latin1');
  return how.method === 'HEAD' ? head : Buffer.concat([head, bytes]);
}

/** An answer for what cannot be taken or passed on. */
export function plainAnswer(status: number, body: string): OwnAnswer {
  return { status, fields: [], body };
}

/** Statuses of gRPC by HTTP's, as Envoy translates them. */
const GRPC_STATUS: Readonly<Record<number, string>> = {
  400: '13',
  401: '16',
  403: '7',
  404: '12',
  429: '14',
  502: '14',
  503: '14',
  504: '14',
};
const GRPC_UNKNOWN = '2';
const OK = 200;

/** An answer to a request that does not go on, in the way in which its client understands it. */
export function refusalOf(
  request: Pick<HttpRequest, 'fields'>,
  why: { readonly status: number; readonly reason: string; readonly fields?: readonly Field[] },
): OwnAnswer {
  const { status, reason, fields = [] } = why;
  const type = request.fields.get('content-type');
  if (type === undefined || !isGrpc(type)) return { status, fields, body: reason };
  const trailers: Field[] = [
    ['content-type', 'application/grpc'],
    ['grpc-status', GRPC_STATUS[status] ?? GRPC_UNKNOWN],
    ['grpc-message', percentEncoded(reason)],
  ];
  return { status: OK, fields: [...trailers, ...fields], body: '' };
}

/** As gRPC writes messages: what is not printable, and the percent sign. */
function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
    )
    .join('');
}

function isGrpc(type: string): boolean {
  return /^application\/grpc(?:$|[+;])/.test(type);
}
