/** What the first bytes of a connection are, as far as they can be told. */
export type FirstBytesReading =
  /** They fit a TLS ClientHello so far; reading again is useless below `needBytes` in all. */
  | { readonly kind: 'incomplete'; readonly needBytes: number }
  /** Not a TLS ClientHello, or one that no TLS server would take. */
  | { readonly kind: 'plaintext' }
  | { readonly kind: 'tls'; readonly hello: ClientHello };

/** The two extensions of a ClientHello that decide what becomes of the connection. */
export interface ClientHello {
  /** Protocol names in the client's order (RFC 7301) as latin1 text; empty when it offers none. */
  readonly alpn: readonly string[];
  /** The host name asked for (RFC 6066, 3), if any. */
  readonly sni: string | undefined;
}

/** A ClientHello that needs more bytes than this, record headers included, counts as plaintext. */
export const MAX_CLIENT_HELLO_BYTES = 32 * 1024;

const HANDSHAKE_RECORD = 22;
const RECORD_HEADER_BYTES = 5;
const MAX_RECORD_BYTES = 16 * 1024;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
const SERVER_NAME_EXTENSION = 0;
const ALPN_EXTENSION = 16;
const HOST_NAME = 0;
const MAX_HOST_NAME_BYTES = 255;

const PLAINTEXT: FirstBytesReading = { kind: 'plaintext' };

/**
 * Reads the ClientHello (RFC 8446, 4.1.2) that a connection begins with; it may be cut anywhere and
 * be spread over several TLS records. Never throws. The bytes are not kept.
 */
export function readClientHello(bytes: Uint8Array): FirstBytesReading {
  const { payload, needBytes } = handshakePayload(bytes);
  if (payload.length > 0 && payload[0] !== CLIENT_HELLO) return PLAINTEXT;
  const reader = new Reader(payload);
  try {
    reader.skip(1);
    return { kind: 'tls', hello: clientHello(reader.block(3)) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const hopeless = needBytes === undefined || needBytes > MAX_CLIENT_HELLO_BYTES;
    return hopeless || isWhole(payload) ? PLAINTEXT : { kind: 'incomplete', needBytes };
  }
}

/**
 * The contents of the leading handshake records joined, the last one perhaps cut. `needBytes` is
 * how long the input must be to give more; undefined when what follows is no handshake record.
 */
function handshakePayload(bytes: Uint8Array): { payload: Uint8Array; needBytes?: number } {
  const parts: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const bodyAt = at + RECORD_HEADER_BYTES;
    if (!startsRecord(bytes, at)) return { payload: join(parts) };
    if (bytes.length < bodyAt) return { payload: join(parts), needBytes: bodyAt };
    const length = uint16(bytes, at + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) return { payload: join(parts) };
    parts.push(bytes.subarray(bodyAt, bodyAt + length));
    at = bodyAt + length;
    if (at > bytes.length) return { payload: join(parts), needBytes: at };
  }
}

/** Whether the bytes at `at`, as many as there are, may be the header of a handshake record. */
function startsRecord(bytes: Uint8Array, at: number): boolean {
  if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return false;
  return bytes.length <= at + 1 || bytes[at + 1] === 3;
}

/** Whether all bytes that the message's own length promises are there. */
function isWhole(payload: Uint8Array): boolean {
  if (payload.length < MESSAGE_HEADER_BYTES) return false;
  const length = ((payload[1] ?? 0) << 16) | uint16(payload, 2);
  return (
    length + MESSAGE_HEADER_BYTES > MAX_CLIENT_HELLO_BYTES ||
    payload.length >= length + MESSAGE_HEADER_BYTES
  );
}

function clientHello(reader: Reader): ClientHello {
  reader.skip(2 + 32); // version, random
  reader.block(1); // session ID
  reader.block(2); // cipher suites
  reader.block(1); // compression methods
  let alpn: readonly string[] = [];
  let sni: string | undefined;
  if (reader.atEnd) return { alpn, sni };
  const extensions = reader.block(2);
  while (!extensions.atEnd) {
    const type = extensions.integer(2);
    const body = extensions.block(2);
    if (type === ALPN_EXTENSION) alpn = protocolNames(body.block(2));
    if (type === SERVER_NAME_EXTENSION) sni = hostName(body.block(2));
  }
  return { alpn, sni };
}

function protocolNames(list: Reader): string[] {
  const names: string[] = [];
  while (!list.atEnd) names.push(list.block(1).text(255));
  return names;
}

function hostName(list: Reader): string | undefined {
  while (!list.atEnd) {
    const type = list.integer(1);
    const name = list.block(2);
    if (type === HOST_NAME) return name.text(MAX_HOST_NAME_BYTES);
  }
  return undefined;
}

class Malformed extends Error {}

/** Takes numbers and length-prefixed blocks off the front; throws Malformed past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#bytes.length - this.#at < count) throw new Malformed();
    this.#at += count;
  }

  integer(size: 1 | 2 | 3): number {
    this.skip(size);
    let value = 0;
    for (let i = size; i > 0; i--) value = (value << 8) | (this.#bytes[this.#at - i] ?? 0);
    return value;
  }

  /** The block behind a length of `size` bytes. */
  block(size: 1 | 2 | 3): Reader {
    const length = this.integer(size);
    this.skip(length);
    return new Reader(this.#bytes.subarray(this.#at - length, this.#at));
  }

  text(maxBytes: number): string {
    if (this.#bytes.length > maxBytes) throw new Malformed();
    return String.fromCharCode(...this.#bytes);
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
