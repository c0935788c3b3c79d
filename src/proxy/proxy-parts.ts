import type { Server } from 'node:net';
import { clockNote } from '../lib/clock-skew.ts';
import { descriptorLimit } from '../lib/descriptor-limit.ts';
import { ownTrustDomains } from '../policy/mesh-settings.ts';
import type { Address } from './address.ts';
import { AcceptedSockets } from './bytes/accepted-sockets.ts';
import { CaptureListeners, type CaptureListenersOptions } from './capture/capture-listeners.ts';
import { noCapture } from './capture/capture-options.ts';
import { ConnectionTable } from './connection-table.ts';
import { Deadlines } from './deadlines.ts';
import { DescriptorBudget } from './descriptor-budget.ts';
import { Enforcement } from './enforcement.ts';
import { externalAuthorization } from './external/external-authorization.ts';
import { FallbackGuard } from './guards/fallback-guard.ts';
import { FederationGuard } from './guards/federation-guard.ts';
import { RevocationGuard } from './guards/revocation-guard.ts';
import { SilentPeers } from './guards/silent-peers.ts';
import { framedTransport } from './hbone/framed-transport.ts';
import { AppPool } from './http/app-pool.ts';
import { HttpEnforcement } from './http/http-enforcement.ts';
import { AppGate } from './inbound/app-gate.ts';
import { FirstBytesWait } from './inbound/first-bytes-wait.ts';
import { HboneListener } from './inbound/hbone-listener.ts';
import { HboneStreams } from './inbound/hbone-streams.ts';
import { type InboundOptions, inboundListener } from './inbound/inbound-listener.ts';
import { IstioAcceptors } from './inbound/istio-acceptors.ts';
import { appFinder, type ServedPort } from './inbound/served-apps.ts';
import type { ProxyLimits } from './limits.ts';
import { liveSettings } from './live-settings.ts';
import { hboneDialer } from './outbound/dial-hbone.ts';
import { dialService } from './outbound/dial-service.ts';
import { outboundListener } from './outbound/outbound-listener.ts';
import { outboundParts } from './outbound/outbound-parts.ts';
import { OutboundView } from './outbound/outbound-view.ts';
import { SessionPool } from './outbound/session-pool.ts';
import type { CalledService, UpstreamConnector } from './outbound/upstream-connector.ts';
import type { ProxyOptions } from './proxy-options.ts';
import { Reporter } from './reporter.ts';
import { HandshakeGate } from './tls/handshake-gate.ts';
import { resumptionParts } from './tls/resumption-parts.ts';
import { hotSecureContext } from './tls/secure-context.ts';

/** All parts of one proxy, built in order and joined; the servers do not listen yet. */
export class ProxyParts {
  readonly reporter: Reporter;
  readonly table: ConnectionTable;
  readonly hboneServer: Server;
  readonly capture: CaptureListeners;
  readonly #options: ProxyOptions;
  readonly #sockets: AcceptedSockets;
  readonly #hbone: HboneListener;
  readonly #inbound: InboundOptions;
  readonly #connector: UpstreamConnector;
  readonly #pool: SessionPool;
  readonly #silentPeers: SilentPeers;
  readonly #stopping = new AbortController();
  readonly #stops: (() => void)[] = [];
  #served: readonly ServedPort[] = [];

  constructor(options: ProxyOptions, limits: ProxyLimits) {
    const { identity, clock, facts } = options;
    const settings = liveSettings(facts, options.settings);
    this.#options = options;
    this.#silentPeers = new SilentPeers(clock, limits.unansweredMs, options.tcpProgress);
    const reporter = new Reporter(options.events, clock, () => identity.current.svid.id.toString());
    const table = new ConnectionTable(reporter, options.firstNumber);
    const enforcement = new Enforcement({ ...options, settings });
    const revocations = new RevocationGuard(facts, clock);
    revocations.onChange(() => table.closeRevoked((shown) => revocations.refusal(shown)));
    const trustDomains = (): readonly string[] => ownTrustDomains(settings.current);
    const federation = new FederationGuard(identity, trustDomains);
    federation.onChange(() => table.closeUntrusted((peerId) => federation.refusal(peerId)));
    const hboneContext = hotSecureContext(identity, 'hbone');
    const connectDeadlines = new Deadlines(clock, limits.connectTimeoutMs);
    const handshakeDeadlines = new Deadlines(clock, limits.handshakeTimeoutMs);
    const firstBytesWait = new FirstBytesWait({ clock, limits, settings, reporter });
    const fallback = new FallbackGuard({ ...options, settings, reporter });
    const http = new HttpEnforcement({
      ...{ ...options, limits, enforcement, settings, reporter, firstBytesWait },
      lingerDeadlines: handshakeDeadlines,
      authorizer: externalAuthorization((service) => dialService(this.#connector, service)),
    });
    enforcement.onChange(() => table.recheck((admission, join) => http.recheck(admission, join)));
    const appPool = new AppPool(clock, limits.appRestMs);
    const resuming = resumptionParts(options);
    const shared = {
      handshakeGate: new HandshakeGate({ clock, limits }),
      ...{ fallback, trustDomains, federation, silentPeers: this.#silentPeers },
      clockNote: (nowMs: number) => clockNote(options.clockSkew?.current, nowMs),
      gate: new AppGate({ enforcement, http, connectDeadlines, pool: appPool }),
      transport: framedTransport(limits.maxStreamsPerSession, handshakeDeadlines, connectDeadlines),
      ...{ identity, clock, reporter, table, enforcement, revocations, connectDeadlines },
      ...{ handshakeDeadlines, firstBytesWait, ...resuming },
    };
    const pool = new SessionPool(hboneDialer({ ...shared, context: hboneContext }), clock);
    const acceptors = new IstioAcceptors({ ...shared, facts, settings });
    this.#inbound = { ...shared, acceptors };
    const view = new OutboundView({ ...options, settings });
    const outbound = outboundParts(options, limits, { ...shared, view, pool });
    this.#connector = outbound.connector;
    this.#hbone = this.#hboneListener(shared, limits);
    revocations.onAuthority(() => pool.rotate());
    const budget = new DescriptorBudget({ clock, limit: descriptorLimit });
    this.#sockets = new AcceptedSockets(reporter, limits.maxConnections, budget);
    this.#sockets.follow(this.#hbone.server, 'inbound');
    this.capture = this.#captureListeners({ ...shared, view });
    this.#pool = pool;
    this.reporter = reporter;
    this.table = table;
    this.hboneServer = this.#hbone.server;
    // After the contexts' own subscriptions, so that the new sessions are made with the new one.
    this.#stops.push(
      resuming.stopResumption,
      facts.subscribe(() => federation.recheck()),
      identity.subscribe((next, previous) => {
        if (next.svid !== previous.svid) pool.rotate();
      }),
      ...[hboneContext, acceptors, outbound].map((each) => () => each.stop()),
      ...[this.#hbone, http, enforcement, revocations, federation].map((each) => () => each.stop()),
      ...[appPool, connectDeadlines, handshakeDeadlines, firstBytesWait].map((each) => () => {
        each.close();
      }),
    );
    void this.#probe(limits.probeIntervalMs);
  }

  #hboneListener(
    shared: Omit<ConstructorParameters<typeof HboneListener>[0], 'streams'> &
      Omit<ConstructorParameters<typeof HboneStreams>[0], 'maxStreams' | 'appOf'>,
    { maxConnections }: ProxyLimits,
  ): HboneListener {
    const appOf = appFinder({
      ports: () => this.#served,
      ownAddresses: this.#options.ownAddresses,
      captured: (port) => this.capture.serves(port),
    });
    const streams = new HboneStreams({ ...shared, maxStreams: maxConnections, appOf });
    return new HboneListener({ ...shared, streams });
  }

  #captureListeners(
    shared: Pick<
      CaptureListenersOptions,
      | 'view'
      | 'table'
      | 'reporter'
      | 'clock'
      | 'connectDeadlines'
      | 'handshakeDeadlines'
      | 'silentPeers'
    >,
  ): CaptureListeners {
    const { workload, capture = noCapture, hbone, originalDestination } = this.#options;
    return new CaptureListeners({
      ...{ ...shared, workload, connector: this.#connector, inbound: this.#inbound },
      ...{ capture, originalDestination, ownPorts: [hbone.port] },
      follow: (...of) => this.#sockets.follow(...of),
    });
  }

  /** A server for one workload port. */
  inboundServer(app: Address): Server {
    const server = inboundListener(app, this.#inbound);
    this.#sockets.follow(server, 'inbound');
    return server;
  }

  /** A server on which the application reaches one service. */
  outboundServer(service: CalledService): Server {
    if (this.#options.warmSessions === true) {
      const warm = (): void => void this.#connector.warm(service);
      this.#stops.push(this.#options.facts.subscribe(warm));
      warm();
    }
    const server = outboundListener(service, {
      connector: this.#connector,
      table: this.table,
      reporter: this.reporter,
      clock: this.#options.clock,
    });
    this.#sockets.follow(server, 'outbound');
    return server;
  }

  /** Takes HBONE requests for these ports from now on. */
  serve(ports: readonly ServedPort[]): void {
    this.#served = ports;
  }

  /** See `RunningProxy.drain`. */
  async drain(servers: readonly Server[], deadlineMs: number): Promise<void> {
    this.capture.drain();
    const finished = Promise.all([
      ...servers.map(closeServer),
      this.#hbone.drain(),
      this.table.idle(),
    ]);
    if (deadlineMs > 0) {
      const inTime = new AbortController();
      await Promise.race([finished, this.#options.clock.sleep(deadlineMs, inTime.signal)]);
      inTime.abort();
    }
    this.table.closeAll('drain-deadline', `open ${deadlineMs} ms after the drain began`);
    // One turn of the loop, in which the resets of the streams go out.
    await new Promise((resolve) => setImmediate(resolve));
    this.#hbone.destroy();
    this.#sockets.destroyAll();
    await this.capture.finish();
    await finished;
    await this.#pool.drain();
    this.stop();
  }

  /** See `RunningProxy.cut`. */
  cut(): void {
    this.table.closeAll('reset', 'the thread of this proxy died');
    this.#sockets.resetAll();
  }

  /** Stops following anything; for when nothing is open (any more). */
  stop(): void {
    this.#stopping.abort();
    this.capture.close();
    this.#pool.destroy('stopped');
    for (const stop of this.#stops.splice(0)) stop();
  }

  async #probe(intervalMs: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#options.clock.sleep(intervalMs, signal);
      this.#pool.probe();
      this.#hbone.probe();
      await this.#silentPeers.look();
    }
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
