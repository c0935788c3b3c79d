import { type BodyFraming, declaredFraming, NO_BODY } from './body-framing.ts';
import { readConnection } from './connection-fields.ts';
import type { Fields } from './fields.ts';
import { httpFault, shown } from './http-fault.ts';
import { parseFields } from './parse-fields.ts';

/** What must be known of a request to know where its answer ends. */
export interface AskedRequest {
  readonly method: string;
  readonly upgrade: string | undefined;
}

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  readonly body: BodyFraming;
  /** 1xx other than 101: the answer itself is still to come. */
  readonly interim: boolean;
  /** After it the bytes of both sides are no longer HTTP. */
  readonly tunnel: boolean;
  /** Whether the server takes another request on the connection. */
  readonly keepAlive: boolean;
}

const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;
const UNTIL_END: BodyFraming = Object.freeze({ kind: 'until-end' });
const SWITCHING = 101;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

/** Reads the head of the answer to `request` (RFC 9112, 4 and 6.3). @throws {MeshError} ERR_WIRE */
export function parseResponseHead(text: string, request: AskedRequest): ResponseHead {
  const [line, version = '', digits = ''] = STATUS_LINE.exec(text) ?? [];
  if (line === undefined) {
    throw httpFault(`${shown(text.slice(0, text.indexOf('\r\n')))} is no status line of HTTP/1`);
  }
  const status = Number(digits);
  const fields = parseFields(text, line.length);
  const declared = declaredFraming(fields, version);
  const wish = readConnection(fields);
  if (status === SWITCHING && request.upgrade === undefined) {
    throw httpFault('101, and no upgrade was asked for');
  }
  const tunnel = status === SWITCHING || (request.method === 'CONNECT' && is2xx(status));
  const bodiless =
    status < 200 || status === NO_CONTENT || status === NOT_MODIFIED || request.method === 'HEAD';
  return {
    ...{ status, fields, tunnel },
    body: tunnel || bodiless ? NO_BODY : (declared ?? UNTIL_END),
    interim: status < 200 && status !== SWITCHING,
    keepAlive: !wish.close && (version === 'HTTP/1.1' || wish.keepAlive),
  };
}

function is2xx(status: number): boolean {
  return status >= 200 && status < 300;
}
