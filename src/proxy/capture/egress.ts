import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import {
  type MeshDestination,
  type MeshDirectory,
  meshDirectory,
} from '../../policy/mesh-directory.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { Workload } from '../../policy/workload.ts';
import { type Address, formatAddress } from '../address.ts';
import type { Channel } from '../channel.ts';
import { connectTcp } from '../connect-tcp.ts';
import type { ConnectionTable } from '../connection-table.ts';
import type { Deadlines } from '../deadlines.ts';
import type { LiveSettings } from '../live-settings.ts';
import { type OutboundWay, openService } from '../outbound-listener.ts';
import type { Reporter } from '../reporter.ts';
import { socketChannel } from '../socket-channel.ts';
import type { UpstreamConnector } from '../upstream-connector.ts';

export interface EgressOptions {
  readonly facts: Watchable<MeshFacts>;
  readonly settings: LiveSettings;
  readonly workload: Watchable<Workload>;
  readonly connector: UpstreamConnector;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly connectDeadlines: Deadlines;
  readonly clock: Clock;
}

/** An application's connection that says itself where it wants to go. */
export interface EgressCall {
  readonly source: Address;
  /** IP address or name, and port. */
  readonly target: Address;
}

const NO_TLS = { tlsVersion: undefined, cipher: undefined, keyExchange: null };

/**
 * Where the application's connections go that name their destination: to a service of the mesh by the
 * facts of the moment, or past it, where the mesh lets them (`outboundTrafficPolicy`).
 */
export class Egress {
  readonly #options: EgressOptions;
  #directory: MeshDirectory | undefined;
  #directoryOf: readonly unknown[] = [];

  constructor(options: EgressOptions) {
    this.#options = options;
  }

  /** Names and addresses by the facts of this moment. */
  get directory(): MeshDirectory {
    const { facts, workload, settings } = this.#options;
    const from = [facts.current, workload.current.namespace, settings.current];
    if (this.#directory === undefined || from.some((each, at) => each !== this.#directoryOf[at])) {
      this.#directory = meshDirectory(facts.current, workload.current.namespace, settings.current);
      this.#directoryOf = from;
    }
    return this.#directory;
  }

  /** What the target means to this workload. */
  destination({ host, port }: Address): MeshDestination {
    return this.directory.destination(host, port);
  }

  /** A way there, or why there is none, which is reported. Never rejects for what the network does. */
  async open({ source, target }: EgressCall): Promise<OutboundWay> {
    const destination = this.destination(target);
    switch (destination.kind) {
      case 'service':
      case 'endpoint': {
        const { host, port } = destination;
        const only = destination.kind === 'endpoint' ? destination.endpoint : undefined;
        return openService({ source, service: { host, port }, only }, this.#options);
      }
      case 'nothing':
        return this.#unreachable({ source, target }, destination.problem);
      case 'outside':
        return this.#pastTheMesh({ source, target }, destination.known);
    }
  }

  async #pastTheMesh(call: EgressCall, known: boolean): Promise<OutboundWay> {
    const { settings, reporter, connectDeadlines } = this.#options;
    const { source, target } = call;
    if (!known && settings.current.outboundTrafficPolicy === 'REGISTRY_ONLY') {
      const decision = `${formatAddress(target)} is no service of the mesh, and outboundTrafficPolicy is REGISTRY_ONLY`;
      const ends = { direction: 'outbound', source, destination: target } as const;
      reporter.denied(ends, { reason: 'unknown-service', decision });
      return { refused: 'denied', why: decision };
    }
    try {
      const socket = await connectTcp(target, { deadlines: connectDeadlines });
      return {
        flow: (channel) => this.#flow(call, channel, socketChannel(socket)),
        abandon: () => void socket.resetAndDestroy(),
      };
    } catch (error) {
      if (!MeshError.is(error)) throw error;
      return this.#unreachable(call, error.message);
    }
  }

  #flow({ source, target }: EgressCall, from: Channel, to: Channel): void {
    const { table, reporter } = this.#options;
    table.add({
      about: {
        ...{ direction: 'outbound', source, destination: target, service: undefined },
        ...{ transport: 'passthrough', ownId: reporter.ownId, ownSerial: undefined },
        ...{ peerId: undefined, peerSerial: undefined, sni: undefined, ...NO_TLS },
      },
      ...{ source: from, destination: to, admission: undefined, decision: undefined },
    });
  }

  #unreachable({ source, target }: EgressCall, why: string): OutboundWay {
    this.#options.reporter.upstreamFailed(
      { direction: 'outbound', source, destination: target, service: target },
      why,
    );
    return { refused: 'unreachable', why };
  }
}
