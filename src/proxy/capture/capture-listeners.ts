import type { Server } from 'node:net';
import { closeDescriptor } from '../../lib/pass-descriptors.ts';
import type { Address } from '../address.ts';
import type { Deadlines } from '../deadlines.ts';
import type { InboundOptions } from '../inbound/inbound-listener.ts';
import { isAt, type ListeningSocket, type ListenPlan } from '../listen.ts';
import type { Direction } from '../proxy-events.ts';
import type { CaptureOptions } from './capture-options.ts';
import { capturedInbound } from './captured-inbound.ts';
import { capturedOutbound } from './captured-outbound.ts';
import { DnsForwarder } from './dns/dns-forwarder.ts';
import { DnsServer, type DnsStats } from './dns/dns-server.ts';
import { Resolvers } from './dns/resolv-conf.ts';
import { Egress, type EgressOptions } from './egress.ts';
import { httpProxyListener } from './http-proxy-listener.ts';
import { LoopGuard, type OwnTraffic } from './loop-guard.ts';
import { type OriginalDestination, originalDestination } from './original-destination.ts';
import { socks5Listener } from './socks5-listener.ts';

export interface CaptureListenersOptions extends EgressOptions {
  readonly capture: CaptureOptions;
  /** Default: the kernel's connection tracking. */
  readonly originalDestination?: OriginalDestination | undefined;
  readonly inbound: InboundOptions;
  /** How long a client of a proxy may take to say what it wants. */
  readonly handshakeDeadlines: Deadlines;
  /** Bounds the connections of a server and knows them at the end. */
  readonly follow: (server: Server, direction: Direction) => void;
  /** Ports of the proxy itself, beside those for captured connections. */
  readonly ownPorts: readonly number[];
}

/** What a proxy captures, for its status. */
export interface CaptureState {
  /** What the kernel's rules do with the proxy's own connections; undefined: none are expected. */
  readonly ownTraffic: OwnTraffic | undefined;
  readonly dns: DnsStats;
}

/** One state for several workers: the worst that one has found, and all that they did. */
export function mergedCapture(states: readonly CaptureState[]): CaptureState {
  const found = states.map(({ ownTraffic }) => ownTraffic);
  const worst = (['captured', 'exempt', 'not-captured'] as const).find((each) =>
    found.includes(each),
  );
  const sum = (count: keyof DnsStats): number =>
    states.reduce((total, { dns }) => total + dns[count], 0);
  return {
    ownTraffic: worst,
    dns: {
      ...{ answered: sum('answered'), forwarded: sum('forwarded') },
      ...{ failed: sum('failed'), malformed: sum('malformed') },
    },
  };
}

/** The listeners to which connections come that the application did not address to the proxy. */
export class CaptureListeners {
  /** To be bound with the proxy's other ones. */
  readonly plans: readonly ListenPlan[];
  readonly #capture: CaptureOptions;
  readonly #dns: DnsServer;
  readonly #guard: LoopGuard;
  readonly #ownPorts: ReadonlySet<number>;

  constructor(options: CaptureListenersOptions) {
    const { capture, reporter, connectDeadlines, handshakeDeadlines } = options;
    this.#capture = capture;
    const egress = new Egress(options);
    this.#guard = new LoopGuard({ deadlines: connectDeadlines, clock: options.clock });
    const resolvers = new Resolvers(capture.resolvConf, capture.dns);
    this.#dns = new DnsServer({
      lookup: (name) => egress.directory.lookup(name),
      forwarder: new DnsForwarder({ resolvers: () => resolvers.current }),
      loop: () => this.#guard.safe(),
    });
    const own = [...capture.outbound, ...capture.inbound, ...capture.dns];
    this.#ownPorts = new Set([...options.ownPorts, ...own.map(({ port }) => port)]);
    const kernel = {
      ...{ reporter, guard: this.#guard },
      originalDestination: options.originalDestination ?? originalDestination,
    };
    const proxy = { egress, reporter, deadlines: handshakeDeadlines };
    const plan = (at: Address, server: Server, direction: Direction, what: string): ListenPlan => {
      options.follow(server, direction);
      return { server, address: at, purpose: what };
    };
    const each = (at: Address | undefined): readonly Address[] => (at === undefined ? [] : [at]);
    this.plans = [
      ...capture.outbound.map((at) =>
        plan(at, capturedOutbound({ ...kernel, egress }), 'outbound', 'what the application sends'),
      ),
      ...capture.inbound.map((at) => {
        const serves = (port: number): boolean => this.serves(port);
        const server = capturedInbound({ ...options.inbound, ...kernel, serves });
        return plan(at, server, 'inbound', 'what peers send to the application');
      }),
      ...capture.dns.map((at) => ({ server: this.#dns.tcpServer(), address: at, purpose: 'DNS' })),
      ...each(capture.httpProxy).map((at) =>
        plan(at, httpProxyListener(proxy), 'outbound', 'programs that use an HTTP proxy'),
      ),
      ...each(capture.socks).map((at) =>
        plan(at, socks5Listener(proxy), 'outbound', 'programs that use a SOCKS proxy'),
      ),
    ];
  }

  /** Whether peers may be brought to this port of the host, as captured or by HBONE. */
  serves(port: number): boolean {
    const { inbound, inboundPorts } = this.#capture;
    if (inbound.length === 0 || this.#ownPorts.has(port)) return false;
    return inboundPorts === undefined || inboundPorts.includes(port);
  }

  /** As it is now: where rules may capture, the kernel is asked. */
  async state(): Promise<CaptureState> {
    const asked = this.#capture.outbound.length > 0 ? await this.#guard.ask() : undefined;
    return { ownTraffic: asked, dns: this.#dns.stats };
  }

  /**
   * Takes queries by UDP where TCP is bound already, and finds out about the rules. Of the inherited UDP sockets
   * those of other addresses are closed.
   *
   * @throws {MeshError} ERR_LISTEN
   */
  async open(inherited: readonly ListeningSocket[] = []): Promise<void> {
    const { dns } = this.#capture;
    for (const socket of inherited) {
      if (!dns.some((address) => isAt(socket, address))) closeDescriptor(socket.fd);
    }
    for (const address of dns) {
      const taken = inherited.filter((socket) => isAt(socket, address));
      await this.#dns.bindUdp(
        address,
        taken.map(({ fd }) => fd),
      );
    }
    if (this.#capture.outbound.length > 0) await this.#guard.ask();
  }

  /** The sockets for DNS by UDP, for a successor. */
  get listening(): readonly ListeningSocket[] {
    return this.#dns.listening;
  }

  /** Lets clients that ask by TCP go. */
  drain(): void {
    this.#dns.endTcp();
  }

  /** Takes no more queries; resolves when those that were taken are answered. */
  finish(): Promise<void> {
    return this.#dns.finish();
  }

  /** Answers no more names. */
  close(): void {
    this.#dns.close();
  }
}
