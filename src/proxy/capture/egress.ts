import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import {
  type MeshDestination,
  type MeshDirectory,
  meshDirectory,
} from '../../policy/upstream/mesh-directory.ts';
import type { OutboundScope } from '../../policy/upstream/outbound-scope.ts';
import type { Workload } from '../../policy/workload.ts';
import { type Address, formatAddress } from '../address.ts';
import { KEEP_ALIVE_AFTER_MS } from '../bytes/accepting.ts';
import type { Channel } from '../bytes/channel.ts';
import { socketChannel } from '../bytes/socket-channel.ts';
import type { ConnectionTable } from '../connection-table.ts';
import type { Deadlines } from '../deadlines.ts';
import type { SilentPeers } from '../guards/silent-peers.ts';
import { connectTcp } from '../outbound/connect-tcp.ts';
import { type OutboundWay, openService } from '../outbound/outbound-listener.ts';
import type { OutboundView } from '../outbound/outbound-view.ts';
import type { UpstreamConnector } from '../outbound/upstream-connector.ts';
import type { Reporter } from '../reporter.ts';
import { NO_TLS } from '../tls/no-tls.ts';

export interface EgressOptions {
  /** What the application may call. */
  readonly view: OutboundView;
  readonly workload: Watchable<Workload>;
  readonly connector: UpstreamConnector;
  readonly table: ConnectionTable;
  readonly reporter: Reporter;
  readonly connectDeadlines: Deadlines;
  readonly silentPeers: SilentPeers;
  readonly clock: Clock;
}

/** An application's connection that says itself where it wants to go. */
export interface EgressCall {
  readonly source: Address;
  /** IP address or name, and port. */
  readonly target: Address;
}

/**
 * Where the application's connections go that name their destination: to a service of the mesh by the
 * facts of the moment, or past it, where the mesh lets them (`outboundTrafficPolicy`).
 */
export class Egress {
  readonly #options: EgressOptions;
  #scope: OutboundScope | undefined;
  #directory: MeshDirectory | undefined;
  /** Of everything, asked only what a Sidecar leaves out. */
  #whole: MeshDirectory | undefined;

  constructor(options: EgressOptions) {
    this.#options = options;
  }

  /** Names and addresses by the facts of this moment. */
  get directory(): MeshDirectory {
    const scope = this.#options.view.current;
    if (this.#directory === undefined || scope !== this.#scope) {
      this.#directory = this.#directoryOf(scope.facts, scope);
      this.#whole = undefined;
      this.#scope = scope;
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
    const leftOut = this.#leftOut(target, destination);
    if (leftOut !== undefined) return this.#denied({ source, target }, leftOut);
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
    const { view, connectDeadlines, silentPeers } = this.#options;
    const { target } = call;
    const { settings, by } = view.current;
    if (!known && settings.outboundTrafficPolicy === 'REGISTRY_ONLY') {
      const who = by === undefined ? '' : ` (Sidecar ${by} holds)`;
      const decision = `${formatAddress(target)} is no service of the mesh, and outboundTrafficPolicy is REGISTRY_ONLY${who}`;
      return this.#denied(call, decision);
    }
    try {
      const socket = await connectTcp(target, {
        ...{ deadlines: connectDeadlines, keepAliveMs: KEEP_ALIVE_AFTER_MS },
      });
      silentPeers.watch(socket);
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

  #directoryOf(facts: MeshFacts, { settings }: OutboundScope): MeshDirectory {
    return meshDirectory(facts, this.#options.workload.current.namespace, settings);
  }

  /** Past the mesh it would be spoken to as if it were none of it: without TLS, and unchecked. */
  #leftOut({ host, port }: Address, { kind }: MeshDestination): string | undefined {
    const scope = this.#options.view.current;
    if (kind === 'service' || kind === 'endpoint' || scope.whole === scope.facts) return undefined;
    this.#whole ??= this.#directoryOf(scope.whole, scope);
    const there = this.#whole.destination(host, port);
    if (there.kind !== 'service' && there.kind !== 'endpoint') return undefined;
    return `${formatAddress({ host, port })} is of ${there.host}, which the egress hosts of Sidecar ${scope.by} leave out`;
  }

  #denied({ source, target }: EgressCall, decision: string): OutboundWay {
    const ends = { direction: 'outbound', source, destination: target } as const;
    this.#options.reporter.denied(ends, { reason: 'unknown-service', decision });
    return { refused: 'denied', why: decision };
  }

  #unreachable({ source, target }: EgressCall, why: string): OutboundWay {
    this.#options.reporter.upstreamFailed(
      { direction: 'outbound', source, destination: target, service: target },
      why,
    );
    return { refused: 'unreachable', why };
  }
}
