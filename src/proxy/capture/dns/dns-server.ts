import type { Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { MeshName } from '../../../policy/upstream/mesh-directory.ts';
import type { Address } from '../../address.ts';
import type { ListeningSocket } from '../../listen.ts';
import { answerQuery, failQuery, refuseMessage } from './answer-query.ts';
import { type DnsForwarder, type DnsTransport, withLength } from './dns-forwarder.ts';
import { readQuery } from './read-query.ts';
import { listeningUdp, openUdp, stopReceiving } from './udp-socket.ts';

export interface DnsServerOptions {
  /** What the mesh has under a name; undefined when the name is of elsewhere. */
  readonly lookup: (name: string) => MeshName | undefined;
  readonly forwarder: DnsForwarder;
  /** Why nothing may be forwarded now, for it would come back; undefined when all is well. */
  readonly loop: () => Promise<string | undefined>;
  /** Whether programs of this host can use IPv6. Default: it has an address other than its own loopback. */
  readonly ipv6?: () => boolean;
}

/** What a server has done since it started. */
export interface DnsStats {
  readonly answered: number;
  readonly forwarded: number;
  /** Queries that no resolver answered in time. */
  readonly failed: number;
  /** Messages that were no query of one question. */
  readonly malformed: number;
}

const MAX_TCP_CONNECTIONS = 256;
const TCP_IDLE_MS = 10_000;
const LARGEST_MESSAGE = 65_535;
/** Answers that one TCP client may have us look for at a time. */
const MAX_TCP_PENDING = 32;

/** Names of the mesh by UDP and TCP; all others as the host's own resolvers have them. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket[] = [];
  /** With how many answers each waits for. */
  readonly #connections = new Map<Socket, number>();
  readonly #answering = new Set<Promise<unknown>>();
  #ending = false;
  readonly #stats = { answered: 0, forwarded: 0, failed: 0, malformed: 0 };

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  get stats(): DnsStats {
    return { ...this.#stats };
  }

  /** A server for the same by TCP, which does not listen yet. */
  tcpServer(): Server {
    const server = createServer((socket) => this.#serveTcp(socket));
    server.maxConnections = MAX_TCP_CONNECTIONS;
    return server;
  }

  /**
   * Takes queries by UDP at `address`: by the inherited sockets of it, or by a new one.
   *
   * @throws {MeshError} ERR_LISTEN naming the address.
   */
  async bindUdp(address: Address, inherited: readonly number[] = []): Promise<void> {
    for (const fd of inherited.length === 0 ? [undefined] : inherited) {
      const socket = await openUdp(address, fd);
      this.#udp.push(socket);
      socket.on('message', (message, from) => {
        this.#answer(message, 'udp', (answer, sent) => {
          if (answer === undefined || !this.#udp.includes(socket)) return sent();
          socket.send(answer, from.port, from.address, () => sent());
        });
      });
    }
  }

  /** The sockets for UDP, for a successor. */
  get listening(): readonly ListeningSocket[] {
    return this.#udp.map(listeningUdp).filter((socket) => socket !== undefined);
  }

  /** Ends what clients have open by TCP, as soon as what they have asked is answered. */
  endTcp(): void {
    this.#ending = true;
    for (const [socket, pending] of this.#connections) if (pending === 0) socket.destroySoon();
  }

  /** Takes no more queries; resolves when those that were taken are answered, or could not be. */
  async finish(): Promise<void> {
    for (const socket of this.#udp) stopReceiving(socket);
    while (this.#answering.size > 0) await Promise.all(this.#answering);
  }

  close(): void {
    for (const socket of this.#udp.splice(0)) socket.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #serveTcp(socket: Socket): void {
    this.#connections.set(socket, 0);
    const change = (by: number): number => {
      const pending = (this.#connections.get(socket) ?? 0) + by;
      if (this.#connections.has(socket)) this.#connections.set(socket, pending);
      return pending;
    };
    socket.once('close', () => this.#connections.delete(socket));
    socket.on('error', () => undefined);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (this.#ending) return;
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const message = Buffer.from(rest.subarray(2, 2 + rest.readUInt16BE(0)));
        rest = rest.subarray(2 + message.length);
        if (change(1) > MAX_TCP_PENDING) return void socket.destroy();
        this.#answer(message, 'tcp', (answer, sent) => {
          if (answer !== undefined) socket.write(withLength(answer));
          if (change(-1) === 0 && this.#ending) socket.destroySoon();
          sent();
        });
      }
    });
  }

  /** @param reply calls `sent` when the answer is on its way, not before: what is closed earlier sends nothing */
  #answer(
    message: Buffer,
    via: DnsTransport,
    reply: (answer: Buffer | undefined, sent: () => void) => void,
  ): void {
    const answering: Promise<unknown> = this.#find(message, via)
      .then((answer) => new Promise<void>((sent) => reply(answer, sent)))
      .then(() => {
        this.#answering.delete(answering);
      });
    this.#answering.add(answering);
  }

  /** What to send back; nothing to what must not be answered. */
  async #find(message: Buffer, via: DnsTransport): Promise<Buffer | undefined> {
    const read = readQuery(message);
    if (!('query' in read)) {
      this.#stats.malformed += 1;
      return 'refuse' in read ? refuseMessage(message, read.refuse) : undefined;
    }
    const { query } = read;
    const { lookup, forwarder, loop, ipv6 = hasIpv6 } = this.#options;
    const name = lookup(query.name);
    if (name !== undefined) {
      this.#stats.answered += 1;
      const maxBytes = via === 'udp' ? query.maxUdpBytes : LARGEST_MESSAGE;
      return answerQuery(query, name, { ipv6: ipv6(), maxBytes });
    }
    const answer = (await loop()) === undefined ? await forwarder.ask(message, via) : undefined;
    this.#stats[answer === undefined ? 'failed' : 'forwarded'] += 1;
    return answer ?? failQuery(query);
  }
}

/** Whether an interface has an IPv6 address by which others can be reached. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(
      ({ family, internal, address }) =>
        family === 'IPv6' && !internal && !address.toLowerCase().startsWith('fe80:'),
    ),
  );
}
