import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { MeshError, messageOf } from '../../../lib/errors.ts';
import type { MeshName } from '../../../policy/upstream/mesh-directory.ts';
import { type Address, formatAddress } from '../../address.ts';
import { answerQuery, failQuery, refuseMessage } from './answer-query.ts';
import { type DnsForwarder, type DnsTransport, withLength } from './dns-forwarder.ts';
import { readQuery } from './read-query.ts';

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
  readonly #connections = new Set<Socket>();
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
   * Takes queries by UDP at `address`; the port may be shared with a successor.
   *
   * @throws {MeshError} ERR_LISTEN naming the address.
   */
  async bindUdp({ host, port }: Address): Promise<void> {
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reusePort: true });
    this.#udp.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => {
        const where = formatAddress({ host, port });
        const text = `cannot listen on ${where} for DNS by UDP: ${messageOf(cause)}`;
        reject(new MeshError('ERR_LISTEN', text, { cause }));
      });
      socket.bind({ address: host, port }, resolve);
    });
    socket.on('error', () => undefined);
    socket.on('message', (message, from) => {
      void this.#answer(message, 'udp').then((answer) => {
        if (answer !== undefined && this.#udp.includes(socket)) {
          socket.send(answer, from.port, from.address, () => undefined);
        }
      });
    });
  }

  close(): void {
    for (const socket of this.#udp.splice(0)) socket.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serveTcp(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    socket.on('error', () => undefined);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    let rest: Buffer = Buffer.alloc(0);
    let pending = 0;
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const message = Buffer.from(rest.subarray(2, 2 + rest.readUInt16BE(0)));
        rest = rest.subarray(2 + message.length);
        pending += 1;
        if (pending > MAX_TCP_PENDING) return void socket.destroy();
        void this.#answer(message, 'tcp').then((answer) => {
          pending -= 1;
          if (answer !== undefined) socket.write(withLength(answer));
        });
      }
    });
  }

  /** What to send back; nothing to what must not be answered. */
  async #answer(message: Buffer, via: DnsTransport): Promise<Buffer | undefined> {
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
