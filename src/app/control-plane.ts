import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Attestor } from '../attestation/attestor.ts';
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
import { discoveryService } from '../control/discovery-service.ts';
import { Distribution } from '../control/distribution.ts';
import { startGrpcServer } from '../control/grpc-server.ts';
import { heartbeatService } from '../control/heartbeat-service.ts';
import type { IssuanceLedger } from '../control/issuance-ledger.ts';
import { openIssuanceLedger } from '../control/issuance-ledger-file.ts';
import { keepLedger } from '../control/keep-ledger.ts';
import { WorkloadRegistry } from '../control/registry.ts';
import { revocationRoutes } from '../control/revocation-routes.ts';
import { Revocations } from '../control/revocations.ts';
import { serverIdentity } from '../control/server-identity.ts';
import { serviceAccounts } from '../control/service-accounts.ts';
import { signingService } from '../control/signing-service.ts';
import { tokenSecrets } from '../control/token-secrets.ts';
import { AggregatedDiscoveryService } from '../gen/envoy/service/discovery/v3/ads_pb.js';
import { Health } from '../gen/grpc/health/v1/health_pb.js';
import { JwtSvidService } from '../gen/hauberk/identity/v1/jwt_svid_pb.js';
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
import { DATABASE_FILE, ensurePrivateDirectory, MASTER_KEY_FILE } from './data-dir.ts';
import { type FederationConfig, startFederation } from './federation.ts';
import { type MasterKeySources, readMasterKey } from './master-key.ts';
import { type AuthorityConfig, type OpenAuthority, openAuthority } from './open-authority.ts';
import { openTokenAuthority, type TokenAuthority, type TokenConfig } from './token-authority.ts';

export interface ControlPlaneConfig extends AuthorityConfig, FederationConfig {
  readonly dataDir: string;
  /** gRPC: certificates and facts. */
  readonly xds: { readonly host: string; readonly port: number };
  /** Default: a file in the data directory, made at the first start. */
  readonly masterKey?: MasterKeySources;
  readonly tokens?: TokenConfig;
}

export interface ControlPlaneReady {
  readonly xdsPort: number;
  /** Where the own bundle is served to other trust domains, if it is. */
  readonly bundlePort: number | undefined;
  readonly adminSocket: string;
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
  const audit = openAuditLog(join(dataDir, 'audit.log'), clock);
  const ledger = openIssuanceLedger({ path: join(dataDir, 'issued.db') });
  try {
    await ensureNamespaces(store, ['default', rootNamespace]);
    const opened = await openAuthority(config, { store, clock });
    const events = controlLog(audit.events, processLog('control-plane', STANDARD_ERROR));
    const revocations = await Revocations.load({ store, clock, events });
    const { authority } = opened;
    const tokenAuthority = await openTokenAuthority({
      ...{ config: config.tokens ?? {}, rootNamespace, authority, store, clock, events },
    });
    const parts = { config, store, ledger, revocations, opened, tokenAuthority, events, clock };
    await serve(parts, signal, ready);
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
  readonly tokenAuthority: TokenAuthority;
  readonly events: ControlEvents;
  readonly clock: Clock;
}

async function serve(
  parts: Parts,
  signal: AbortSignal,
  ready: (state: ControlPlaneReady) => void,
): Promise<void> {
  const { config, store, ledger, revocations, opened, tokenAuthority, events, clock } = parts;
  const { rootNamespace } = config;
  const { authority } = opened;
  const accounts = serviceAccounts(store);
  const { records, tokens, svids } = attestation({ config, store, revocations, authority, clock });
  const registry = new WorkloadRegistry({ store, clock, events });
  const presence = agentPresence(registry, events);
  const distribution = new Distribution({ store, rootNamespace, clock, events: presence });
  const rotation = authorityRotation({
    ...{ opened, store, distribution, ledger, revocations, events, clock, rootNamespace },
    bundle: tokenAuthority.bundle,
  });
  await rotation.publisher.publish();
  const own = serverIdentity({ authority, rootNamespace, clock });
  const clocks = new AgentClocks(clock);
  const attestors = { all: [tokens, tokenAuthority.attestor, svids], svids };
  const services = agentServices(parts, { attestors, distribution, clocks, signal });
  const grpc = await startGrpcServer({
    ...{ listen: config.xds, identity: own.identity, clock },
    routes: services,
  });
  const rules = admission({ store, events });
  const federation = await startFederation({
    ...{
      config,
      store,
      admission: rules,
      authority: tokenAuthority,
      own: own.identity,
      clock,
      events,
    },
  });
  const tokenService = await tokenAuthority.start(own.identity);
  const admin = await serveJsonSocket({
    socketPath: adminSocketPath(config.dataDir),
    routes: {
      ...federation.routes,
      ...tokenAuthority.routes,
      ...certificateRoutes({ ledger, revocations }),
      ...rotation.routes,
      ...revocationRoutes({ ledger, revocations, tokens: records, authority, store, events }),
      ...adminRoutes({
        store,
        admission: rules,
        tokens,
        authority,
        serviceAccounts: accounts,
        events,
        clock,
        agents: () => connectedAgents(distribution, clocks),
      }),
    },
  });
  const ports = { xdsPort: grpc.port, bundlePort: federation.port };
  const state = readyState(config, authority, { ...ports, oidcPort: tokenService.oidcPort });
  ready({ ...state, reload: rotation.reload });
  await runTasks(signal, [
    grpc.run,
    admin,
    own.run,
    federation.run,
    ...rotation.tasks,
    crlPublisher({ store, authority, revocations, clock, events }).run,
    tokenService.run,
    keepLedger({ ledger, revocations, own: own.identity, events, clock }),
    registry.run,
    (stop) => distribution.run(stop),
  ]);
}

interface AgentServiceParts {
  /** Who may get certificates, and who has one already. */
  readonly attestors: { readonly all: readonly Attestor[]; readonly svids: Attestor };
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly signal: AbortSignal;
}

/** What agents ask for. */
function agentServices(
  { store, ledger, revocations, opened, tokenAuthority, events, clock }: Parts,
  { attestors, distribution, clocks, signal }: AgentServiceParts,
): (router: ConnectRouter) => void {
  const { all, svids: attestor } = attestors;
  const accounts = serviceAccounts(store);
  const { authority } = opened;
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
  ports: Pick<ControlPlaneReady, 'xdsPort' | 'bundlePort' | 'oidcPort'>,
): Omit<ControlPlaneReady, 'reload'> {
  return {
    ...ports,
    adminSocket: adminSocketPath(dataDir),
    rootFingerprint: rootFingerprint(authority),
    svidLifetimeMs: authority.rules.defaultLifetimeMs,
  };
}

/** Who may be asking: holders of enrolment tokens, and of SVIDs that are not revoked. */
function attestation({
  config,
  store,
  revocations,
  authority,
  clock,
}: Omit<Parts, 'ledger' | 'events' | 'opened' | 'tokenAuthority'> & {
  readonly authority: CertificateAuthority;
}) {
  const { trustDomain } = authority;
  const records = tokenSecrets(store, config.rootNamespace);
  const pin = (): string => rootFingerprint(authority);
  const tokens = tokenLedger({ records, trustDomain, rootFingerprint: pin, clock });
  const svids = svidAttestor({
    bundles: () => authority.bundle.current,
    clock,
    refuseRevoked: (serial) => revocations.refuse(serial),
  });
  return { records, tokens, svids };
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
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await store.commit([
      { op: 'put', resource: namespace },
      { op: 'put', resource: defaultAccount(name) },
    ]);
  }
}
