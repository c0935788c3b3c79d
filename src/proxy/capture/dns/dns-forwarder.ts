import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Address } from '../../address.ts';

export type DnsTransport = 'udp' | 'tcp';

export interface DnsForwarderOptions {
  /** Whom to ask, in order; asked anew for each query. */
  readonly resolvers: () => readonly Address[];
  /** How long each is waited for, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
  /** Queries on their way at a time; what comes above fails at once. Default 512. */
  readonly maxPending?: number;
}

const HEADER_BYTES = 12;
const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_MAX_PENDING = 512;
const LARGEST_MESSAGE = 65_535;

/** Asks the host's own resolvers, byte for byte but for the number of the query, which is a new one. */
export class DnsForwarder {
  readonly #options: DnsForwarderOptions;
  #pending = 0;

  constructor(options: DnsForwarderOptions) {
    this.#options = options;
  }

  /** The answer of the first resolver that has one; undefined when none has. Never rejects. */
  async ask(query: Buffer, via: DnsTransport): Promise<Buffer | undefined> {
    const { resolvers, maxPending = DEFAULT_MAX_PENDING } = this.#options;
    if (this.#pending >= maxPending) return undefined;
    this.#pending += 1;
    try {
      for (const resolver of resolvers()) {
        const answer = await this.#askOne(resolver, query, via);
        if (answer !== undefined) return answer;
      }
      return undefined;
    } finally {
      this.#pending -= 1;
    }
  }

  async #askOne(resolver: Address, query: Buffer, via: DnsTransport): Promise<Buffer | undefined> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const sent = Buffer.from(query);
    sent.writeUInt16BE(randomInt(0x1_0000), 0);
    const ask = via === 'udp' ? askByUdp : askByTcp;
    const answer = await ask({ resolver, sent, signal: AbortSignal.timeout(timeoutMs) });
    if (answer === undefined) return undefined;
    const restored = Buffer.from(answer);
    query.copy(restored, 0, 0, 2);
    return restored;
  }
}

interface Asking {
  readonly resolver: Address;
  readonly sent: Buffer;
  readonly signal: AbortSignal;
}

/** From a port of its own, and by a connected socket: others cannot slip in an answer. */
function askByUdp({ resolver, sent, signal }: Asking): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(resolver.host) ? 'udp6' : 'udp4');
    let done = false;
    const finish = (answer: Buffer | undefined): void => {
      if (done) return;
      done = true;
      signal.removeEventListener('abort', expired);
      socket.close();
      resolve(answer);
    };
    const expired = (): void => finish(undefined);
    signal.addEventListener('abort', expired, { once: true });
    socket.on('error', expired);
    socket.on('message', (answer) => {
      if (isAnswerTo(sent, answer)) finish(answer);
    });
    socket.connect(resolver.port, resolver.host, (error?: Error) => {
      if (error !== undefined && error !== null) expired();
      else if (!done) socket.send(sent);
    });
  });
}

function askByTcp({ resolver, sent, signal }: Asking): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: resolver.host, port: resolver.port });
    const chunks: Buffer[] = [];
    let have = 0;
    const finish = (answer: Buffer | undefined): void => {
      signal.removeEventListener('abort', expired);
      socket.destroy();
      resolve(answer);
    };
    const expired = (): void => finish(undefined);
    signal.addEventListener('abort', expired, { once: true });
    socket.on('error', expired);
    socket.on('close', expired);
    socket.on('connect', () => socket.write(withLength(sent)));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      have += chunk.length;
      if (have > LARGEST_MESSAGE + 2) return expired();
      const bytes = Buffer.concat(chunks, have);
      if (have < 2 || have < 2 + bytes.readUInt16BE(0)) return;
      const answer = bytes.subarray(2, 2 + bytes.readUInt16BE(0));
      finish(isAnswerTo(sent, answer) ? answer : undefined);
    });
  });
}

/** A message as TCP carries it: its length before it. */
export function withLength(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** An answer has the number of the query, says that it is one, and is of a size that can be read. */
function isAnswerTo(sent: Buffer, answer: Buffer): boolean {
  return (
    answer.length >= HEADER_BYTES &&
    answer.readUInt16BE(0) === sent.readUInt16BE(0) &&
    (answer.readUInt16BE(2) & 0x8000) !== 0
  );
}
