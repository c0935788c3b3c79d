import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Attestor } from '../attestation/attestor.ts';
import type { ReturnTickets } from '../attestation/return-tickets.ts';
import { svidAttestor } from '../attestation/svid-attestor.ts';
import { tokenLedger } from '../attestation/token-ledger.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import { adminRoutes } from '../control/admin-routes.ts';
import { admission, defaultAccount } from '../control/admission.ts';
import { AgentClocks } from '../control/agent-clocks.ts';
import { agentPresence } from '../control/agent-presence.ts';
import { certificateRoutes } from '../control/certificate-routes.ts';
import type { ControlEvents } from '../control/control-events.ts';
import { crlPublisher } from '../control/crl-publisher.ts';
import { isDelegated } from '../control/delegation.ts';
import { discoveryService } from '../control/discovery-service.ts';
import { Distribution } from '../control/distribution.ts';
import { doctorRoutes } from '../control/doctor-report.ts';
import { startGrpcServer } from '../control/grpc-server.ts';
import { heartbeatService } from '../control/heartbeat-service.ts';
import { historyRoutes } from '../control/history-routes.ts';
import type { IssuanceLedger } from '../control/issuance-ledger.ts';
import { openIssuanceLedger } from '../control/issuance-ledger-file.ts';
import { keepLedger } from '../control/keep-ledger.ts';
import { WorkloadRegistry } from '../control/registry.ts';
import { returnTicketService } from '../control/return-ticket-service.ts';
import { revocationRoutes } from '../control/revocation-routes.ts';
import { Revocations } from '../control/revocations.ts';
import { serverIdentity } from '../control/server-identity.ts';
import { serviceAccounts } from '../control/service-accounts.ts';
import { signingService } from '../control/signing-service.ts';
import { sweepCredentials } from '../control/sweep-credentials.ts';
import { tokenSecrets } from '../control/token-secrets.ts';
import { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import { Health } from '../gen/grpc/health/v1/health_pb.js';
import { JwtSvidService } from '../gen/hauberk/identity/v1/jwt_svid_pb.js';
import { ReturnTicketService } from '../gen/hauberk/identity/v1/return_ticket_pb.js';
import { IstioCertificateService } from '../gen/istio/v1/auth/ca_pb.js';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { serveJsonSocket } from '../lib/json-socket-server.ts';
import { aesSealer } from '../lib/sealer.ts';
import { runTasks } from '../lib/tasks.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { openAuditLog } from '../telemetry/audit-log.ts';
import { controlLog } from '../telemetry/control-log.ts';
import { processLog } from '../telemetry/process-log.ts';
import { fingerprint } from '../x509/certificate.ts';
import { adminSocketPath } from './admin-client.ts';
import { authorityRotation } from './authority-rotation.ts';
import { ControlPlaneMonitoring, type MonitoringConfig } from './control-plane-monitoring.ts';
import { AUDIT_FILE, DATABASE_FILE, ensurePrivateDirectory, MASTER_KEY_FILE } from './data-dir.ts';
import { type FederationConfig, startFederation } from './federation.ts';
import { type MasterKeySources, readMasterKey } from './master-key.ts';
import type { Monitoring } from './monitoring.ts';
import { type AuthorityConfig, type OpenAuthority, openAuthority } from './open-authority.ts';
import {
  apiNames,
  kubeconfigPath,
  type ResourceApi,
  type ResourceApiOptions,
  startResourceApi,
} from './resource-api.ts';
import { openReturnTickets } from './return-tickets.ts';
import { openTokenAuthority, type TokenAuthority, type TokenConfig } from './token-authority.ts';

export interface ControlPlaneConfig extends AuthorityConfig, FederationConfig, MonitoringConfig {
  readonly dataDir: string;
  /** gRPC: certificates and facts. */
  readonly xds: { readonly host: string; readonly port: number };
  /** The Kubernetes-compatible API. */
  readonly api: { readonly host: string; readonly port: number };
  /** Default: a file in the data directory, made at the first start. */
  readonly masterKey?: MasterKeySources;
  readonly tokens?: TokenConfig;
  /**
   * How long after the end of its certificate a workload may come back without a token, in
   * milliseconds; 0 = never. Default 72 hours.
   */
  readonly reenrolGraceMs?: number | undefined;
}

export interface ControlPlaneReady {
  readonly xdsPort: number;
  readonly apiPort: number;
  /** For kubectl, as administrator. */
  readonly kubeconfig: string;
  /** Where the own bundle is served to other trust domains, if it is. */
  readonly bundlePort: number | undefined;
  readonly adminSocket: string;
  /** Where metrics and health are; undefined when off. */
  readonly monitoringAt: string | undefined;
  /** Why they are off although nobody switched them off. */
  readonly monitoringProblem: string | undefined;
  readonly rootFingerprint: string;
  /** What a request for no lifetime gets: as configured, or less where the chain ends before. */
  readonly svidLifetimeMs: number;
  /** Reads --ca-dir again, as SIGHUP asks for. */
  readonly reload: () => Promise<void>;
  /** Where OpenID Connect discovery is served, if it is. */
  readonly oidcPort: number | undefined;
}

/** Standard output is for what `hauberk up` was asked to print. */
const STANDARD_ERROR = 2;
const REENROL_GRACE_MS = 72 * 3_600_000;

/**
 * The control plane, until `signal` aborts. Whatever can fail at start fails before anything is
 * served.
 *
 * @throws {MeshError} ERR_STORE, ERR_SEAL, ERR_LISTEN.
 */
export async function runControlPlane(
  config: ControlPlaneConfig,
  signal: AbortSignal,
  ready: (state: ControlPlaneReady) => void,
): Promise<void> {
  const { dataDir, rootNamespace } = config;
  const clock = systemClock;
  ensurePrivateDirectory(dataDir);
  const path = join(dataDir, DATABASE_FILE);
  const own = { path: join(dataDir, MASTER_KEY_FILE), mayCreate: !existsSync(path) };
  const sealer = aesSealer(readMasterKey(config.masterKey ?? {}, own));
  const store = openSqliteStore({ path, clock, sealer });
  const audit = openAuditLog(join(dataDir, AUDIT_FILE), clock);
  const ledger = openIssuanceLedger({ path: join(dataDir, 'issued.db') });
  try {
    await ensureNamespaces(store, ['default', rootNamespace]);
    const opened = await openAuthority(config, { store, clock });
    const logged = controlLog(audit.events, processLog('control-plane', STANDARD_ERROR));
    const monitoring = new ControlPlaneMonitoring(config, logged, clock);
    const { events } = monitoring;
    const revocations = await Revocations.load({ store, clock, events });
    const { authority } = opened;
    const tokenAuthority = await openTokenAuthority({
      ...{ config: config.tokens ?? {}, rootNamespace, authority, store, clock, events },
    });
    const parts = { config, store, ledger, revocations, opened, authority, tokenAuthority };
    await serve({ ...parts, events, clock, monitoring }, signal, ready);
  } finally {
    ledger.close();
    audit.close();
    store.close();
  }
}

interface Parts {
  readonly config: ControlPlaneConfig;
  readonly store: Store;
  readonly ledger: IssuanceLedger;
  readonly revocations: Revocations;
  readonly opened: OpenAuthority;
  /** The one that was opened. */
  readonly authority: CertificateAuthority;
  readonly tokenAuthority: TokenAuthority;
  readonly events: ControlEvents;
  readonly monitoring: ControlPlaneMonitoring;
  readonly clock: Clock;
}

async function serve(
  parts: Parts,
  signal: AbortSignal,
  ready: (state: ControlPlaneReady) => void,
): Promise<void> {
  const { config, store, ledger, revocations, authority, tokenAuthority, events, clock } = parts;
  const { rootNamespace } = config;
  const accounts = serviceAccounts(store);
  const { records, tickets, sweep, attestors } = attestation(parts);
  const registry = new WorkloadRegistry({ store, clock, events });
  const presence = agentPresence(registry, events);
  const distribution = new Distribution({ store, rootNamespace, clock, events: presence });
  const rotation = authorityRotation({
    ...{ ...parts, distribution, lists: crlPublisher(parts), rootNamespace },
    bundle: tokenAuthority.bundle,
  });
  await rotation.publisher.publish();
  const own = serverIdentity({ authority, rootNamespace, clock, names: apiNames(config.api.host) });
  const clocks = new AgentClocks(clock);
  const services = agentServices(parts, { attestors, tickets, distribution, clocks, signal });
  const served = { listen: config.xds, identity: own.identity, routes: services };
  const grpc = await startGrpcServer({ ...served, clock });
  const rules = admission({ store, events });
  const federation = await startFederation({
    ...{ ...parts, admission: rules, authority: tokenAuthority, own: own.identity },
  });
  const tokenService = await tokenAuthority.start(own.identity);
  const observed = { store, authority, own: own.identity, distribution, revocations, clocks };
  const monitoring = await parts.monitoring.start({
    ...{ ...observed, federation: federation.views, clock },
  });
  const admin = await serveJsonSocket({
    socketPath: adminSocketPath(config.dataDir),
    routes: {
      ...federation.routes,
      ...tokenAuthority.routes,
      ...doctorRoutes({
        ...{ ...observed, federation: federation.views, ledger, clock, pid: process.pid },
        failures: () => parts.monitoring.failures.list(),
        xds: { host: config.xds.host, port: grpc.port },
        monitoring: () => ({ at: monitoring.at, problem: monitoring.problem }),
      }),
      ...historyRoutes({ store, events }),
      ...certificateRoutes({ ledger, revocations }),
      ...rotation.routes,
      ...revocationRoutes({ ...parts, tokens: records, tickets }),
      ...adminRoutes({
        ...{ store, admission: rules, authority, serviceAccounts: accounts, events, clock },
        tokens: attestors.tokens,
        agents: () => connectedAgents(distribution, clocks),
      }),
    },
  });
  const api = await openResourceApi(parts, own.identity);
  const { oidcPort } = tokenService;
  const ports = { xdsPort: grpc.port, bundlePort: federation.port, apiPort: api.port, oidcPort };
  const places = { ...ports, ...monitoringState(monitoring), reload: rotation.reload };
  ready(readyState(config, authority, places));
  await runTasks(signal, [
    grpc.run,
    api.run,
    admin,
    own.run,
    federation.run,
    ...rotation.tasks,
    tokenService.run,
    monitoring.run,
    sweep,
    keepLedger({ ledger, revocations, own: own.identity, events, clock }),
    registry.run,
    (stop) => distribution.run(stop),
  ]);
}

function openResourceApi(
  { config, store, authority, tokenAuthority, events, clock }: Parts,
  identity: ResourceApiOptions['identity'],
): Promise<ResourceApi> {
  const { dataDir, rootNamespace, api } = config;
  const parts = { store, authority, tokens: tokenAuthority, events, clock };
  return startResourceApi({ ...parts, dataDir, rootNamespace, listen: api, identity });
}

interface AgentServiceParts {
  /** Who may get certificates, and who has one already. */
  readonly attestors: { readonly all: readonly Attestor[]; readonly svids: Attestor };
  readonly tickets: ReturnTickets;
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly signal: AbortSignal;
}

/** What agents ask for. */
function agentServices(
  { store, ledger, revocations, authority, tokenAuthority, events, clock }: Parts,
  { attestors, tickets, distribution, clocks, signal }: AgentServiceParts,
): (router: ConnectRouter) => void {
  const { all, svids: attestor } = attestors;
  const accounts = serviceAccounts(store);
  const signing = { authority, attestors: all, serviceAccounts: accounts, store, ledger };
  const discovery = discoveryService({
    ...{ distribution, attestor, revocations, ledger, clock, signal },
  });
  return (router) => {
    router.service(Health, heartbeatService({ attestor, clocks }));
    router.service(
      IstioCertificateService,
      signingService({ ...signing, revocations, events, clock }),
    );
    router.service(ReturnTicketService, returnTicketService({ tickets, attestor, revocations }));
    router.service(
      JwtSvidService,
      tokenAuthority.jwtSvids({ attestor, serviceAccounts: accounts, revocations }),
    );
    router.service(AggregatedDiscoveryService, discovery, { acceptCompression: [] });
  };
}

function readyState(
  { dataDir }: ControlPlaneConfig,
  authority: CertificateAuthority,
  places: Omit<
    ControlPlaneReady,
    'adminSocket' | 'kubeconfig' | 'rootFingerprint' | 'svidLifetimeMs'
  >,
): ControlPlaneReady {
  return {
    ...places,
    adminSocket: adminSocketPath(dataDir),
    kubeconfig: kubeconfigPath(dataDir),
    rootFingerprint: rootFingerprint(authority),
    svidLifetimeMs: authority.rules.defaultLifetimeMs,
  };
}

function monitoringState({ at, problem }: Monitoring) {
  return { monitoringAt: at, monitoringProblem: problem };
}

/** Who may be asking: holders of tokens of all kinds, and of SVIDs that are not revoked. */
function attestation(parts: Omit<Parts, 'monitoring'>) {
  const { config, store, ledger, revocations, authority, tokenAuthority, events, clock } = parts;
  const { rootNamespace, reenrolGraceMs: graceMs = REENROL_GRACE_MS } = config;
  const { trustDomain } = authority;
  const records = tokenSecrets(store, rootNamespace);
  const pin = (): string => rootFingerprint(authority);
  const tokens = tokenLedger({ records, trustDomain, rootFingerprint: pin, clock });
  const returns = openReturnTickets({ ...parts, trustDomain, rootNamespace, graceMs });
  const { tickets } = returns;
  const shared = {
    bundles: () => authority.bundle.current,
    clock,
    refuseRevoked: (serial: string) => revocations.refuse(serial),
    isDelegated: (serial: string) => isDelegated(ledger, serial),
  };
  const svids = svidAttestor(shared);
  const returning = svidAttestor({
    ...shared,
    mayReturn: (id, serial) => tickets.covers(id, serial),
  });
  const all = [tokens, tickets, tokenAuthority.attestor, returning];
  const sweep = sweepCredentials({ tokens: records, tickets: returns, clock, events });
  return { records, tickets, sweep, attestors: { all, tokens, svids } };
}

function rootFingerprint({ bundle }: CertificateAuthority): string {
  return bundle.current.x509Authorities.map(fingerprint)[0] ?? '';
}

function connectedAgents({ agents }: Distribution, clocks: AgentClocks): readonly object[] {
  return agents.map(({ agent }) => {
    const [id, node] = [agent.viewer.id.toString(), agent.node.id];
    return { id, node, clockSkewMs: clocks.of(id, node)?.skewMs };
  });
}

async function ensureNamespaces(store: Store, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if ((await store.get({ kind: 'Namespace', name })) !== undefined) continue;
    const status = { phase: 'Active' };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status };
    await store.commit([
      { op: 'put', resource: namespace },
      { op: 'put', resource: defaultAccount(name) },
    ]);
  }
}
