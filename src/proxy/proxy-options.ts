import type { Clock } from '../lib/clock.ts';
import type { ClockSkew } from '../lib/clock-skew.ts';
import type { TcpProgressOf } from '../lib/tcp-progress.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import type { MeshSettings } from '../policy/mesh-settings.ts';
import type { HeldCredentials } from '../policy/upstream/held-credentials.ts';
import type { Workload } from '../policy/workload.ts';
import type { Identity } from '../spiffe/identity.ts';
import type { Address } from './address.ts';
import type { CaptureOptions } from './capture/capture-options.ts';
import type { OriginalDestination } from './capture/original-destination.ts';
import type { ServedPort } from './inbound/served-apps.ts';
import type { ProxyLimits } from './limits.ts';
import type { SocketPlan } from './listen.ts';
import type { CalledService } from './outbound/upstream-connector.ts';
import type { ProxyEvents } from './proxy-events.ts';

/** What a proxy is told once: plain values only, so that they can be handed to another thread. */
export interface ProxyPlan {
  readonly settings: MeshSettings;
  /** Where to take connections for the workload; the port of `listen` is the workload port. */
  readonly inbound: readonly ServedPort[];
  /** Where the application reaches a service, named as `name.namespace[.svc.cluster.local]`. */
  readonly outbound: readonly { readonly listen: Address; readonly service: CalledService }[];
  /** How connections get here that name no listener of this proxy. Default: not at all. */
  readonly capture?: CaptureOptions;
  /** Where other sidecars bring connections; usually 0.0.0.0:15008. */
  readonly hbone: Address;
  /** Addresses under which peers know this workload; an HBONE request must name one of them. */
  readonly ownAddresses: readonly string[];
  /** Whether shared sessions are made before they are needed, at the start and after each change. Default false. */
  readonly warmSessions?: boolean;
  /** How the addresses are come by. Default: new sockets, which others may share. */
  readonly sockets?: SocketPlan;
  /** Bounds that differ from `defaultLimits`. */
  readonly limits?: Partial<ProxyLimits>;
  /** Numbers of connections count up from here. Default 0. */
  readonly firstNumber?: number;
}

/** What a proxy follows: values that are swapped whole, which threads are sent the changes of. */
export interface ProxySubjects {
  readonly workload: Watchable<Workload>;
  /** Exists only once the first SVID is there, so nothing can serve without one. */
  readonly identity: Watchable<Identity>;
  readonly facts: Watchable<MeshFacts>;
  /** How far this host's clock is off, for certificates that seem out of time. Default: not known. */
  readonly clockSkew?: Watchable<ClockSkew | undefined>;
  /** What Secrets that rules name by `credentialName` hold; secret. Default: there are none. */
  readonly credentials?: Watchable<HeldCredentials>;
  /** What tickets of resumable TLS sessions are sealed with; secret. Default: keys of its own. */
  readonly ticketKeys?: Watchable<Uint8Array>;
  /** DER of authorities that other workers have met. Default: none. */
  readonly issuers?: Watchable<readonly Uint8Array[]>;
}

/** What a proxy is made of. */
export interface ProxyOptions extends ProxyPlan, ProxySubjects {
  readonly clock: Clock;
  /** Default: the kernel's connection tracking. */
  readonly originalDestination?: OriginalDestination;
  /** Default: what the kernel knows of a connection. */
  readonly tcpProgress?: TcpProgressOf;
  readonly events: ProxyEvents;
  /** Told of an authority by which a peer was proved here for the first time. Default: nobody is. */
  readonly issuerMet?: (der: Uint8Array) => void;
}
