import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import {
  type EndpointSecrets,
  startBundleEndpoint,
} from '../../control/federation/bundle-endpoint.ts';
import type { FederatedDomainEvents } from '../../control/federation/federated-domain.ts';
import { Federation } from '../../control/federation/federation.ts';
import { federationRoutes } from '../../control/federation/federation-routes.ts';
import { type FederationView, federationViews } from '../../control/federation/federation-view.ts';
import { ownDocument } from '../../control/federation/own-document.ts';
import type { ServerIdentity } from '../../control/server-identity.ts';
import type { Clock } from '../../lib/clock.ts';
import { runTasks, type Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import { spiffeIdOf } from '../../spiffe/verify-peer.ts';
import type { Store } from '../../store/store.ts';
import { operatorCertificate } from './operator-certificate.ts';

export type { FederationView } from '../../control/federation/federation-view.ts';

export interface FederationConfig {
  /** Where the own bundle is served to other trust domains. Default: nowhere. */
  readonly bundleEndpoint?: BundleEndpointConfig | undefined;
  /** Roots for the endpoints of others with https_web, PEM. Default: those of the machine. */
  readonly webRoots?: string | undefined;
}

export interface BundleEndpointConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** https_web with this certificate. Default: https_spiffe with the control plane's SVID. */
  readonly web?: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** How often others should look for a newer bundle, in milliseconds. */
  readonly refreshHintMs: number;
}

export interface FederationParts {
  readonly config: FederationConfig;
  readonly store: Store;
  readonly authority: Pick<CertificateAuthority, 'trustDomain' | 'bundle'>;
  readonly own: Watchable<ServerIdentity>;
  readonly clock: Clock;
  readonly events: FederatedDomainEvents;
}

export interface RunningFederation {
  readonly routes: OperatorRoutes;
  /** As operators are shown them. */
  readonly views: () => readonly FederationView[];
  /** Of the bundle endpoint, if there is one. */
  readonly port: number | undefined;
  readonly run: Task;
}

const DEFAULT_HINT_MS = 300_000;

/**
 * Other trust domains: their bundles kept fresh, and the own one served to them.
 *
 * @throws {MeshError} ERR_LISTEN, or ERR_STORE for a certificate that cannot be used.
 */
export async function startFederation(parts: FederationParts): Promise<RunningFederation> {
  const { config, store, authority, own, clock, events } = parts;
  const { trustDomain, bundle } = authority;
  const { bundleEndpoint, webRoots } = config;
  const federation = new Federation({ store, own: bundle, clock, events, webRoots });
  const refreshHintMs = bundleEndpoint?.refreshHintMs ?? DEFAULT_HINT_MS;
  const document = ownDocument({ store, trustDomain, refreshHintMs });
  const tasks: Task[] = [(signal) => federation.run(signal)];
  let endpoint: { readonly port: number; readonly profile: string } | undefined;
  if (bundleEndpoint !== undefined) {
    const secrets = secretsFor(bundleEndpoint, parts);
    const { listen, web } = bundleEndpoint;
    const server = await startBundleEndpoint({ listen, secrets: secrets.current, document });
    tasks.push(server.run, secrets.run);
    const spiffe = { profile: 'https_spiffe', endpointId: spiffeIdOf(own.current.leaf).toString() };
    endpoint = { port: server.port, ...(web === undefined ? spiffe : { profile: 'https_web' }) };
  }
  return {
    views: () => federationViews(federation, federation.declared),
    port: endpoint?.port,
    routes: federationRoutes({ store, federation, trustDomain, document, endpoint }),
    run: (signal) => runTasks(signal, tasks),
  };
}

function secretsFor(
  { web }: BundleEndpointConfig,
  { own, clock, events }: FederationParts,
): { readonly current: Watchable<EndpointSecrets>; readonly run: Task } {
  if (web === undefined) return { current: own, run: async () => undefined };
  return operatorCertificate({ ...web, clock, events });
}
