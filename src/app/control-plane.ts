import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { svidAttestor } from '../attestation/svid-attestor.ts';
import { tokenLedger } from '../attestation/token-ledger.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import { adminRoutes } from '../control/admin-routes.ts';
import { admission, defaultAccount } from '../control/admission.ts';
import { agentPresence } from '../control/agent-presence.ts';
import { certificateRoutes } from '../control/certificate-routes.ts';
import type { ControlEvents } from '../control/control-events.ts';
import { discoveryService } from '../control/discovery-service.ts';
import { Distribution } from '../control/distribution.ts';
import { startGrpcServer } from '../control/grpc-server.ts';
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
import { type MasterKeySources, readMasterKey } from './master-key.ts';
import { type AuthorityConfig, type OpenAuthority, openAuthority } from './open-authority.ts';

export interface ControlPlaneConfig extends AuthorityConfig {
  readonly dataDir: string;
  /** gRPC: certificates and facts. */
  readonly xds: { readonly host: string; readonly port: number };
  /** Default: a file in the data directory, made at the first start. */
  readonly masterKey?: MasterKeySources;
}

export interface ControlPlaneReady {
  readonly xdsPort: number;
  readonly adminSocket: string;
  readonly rootFingerprint: string;
  /** What a request for no lifetime gets: as configured, or less where the chain ends before. */
  readonly svidLifetimeMs: number;
  /** Reads --ca-dir again, as SIGHUP asks for. */
  readonly reload: () => Promise<void>;
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
    const parts = { config, store, ledger, revocations, opened, events, clock };
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
  readonly events: ControlEvents;
  readonly clock: Clock;
}

async function serve(
  { config, store, ledger, revocations, opened, events, clock }: Parts,
  signal: AbortSignal,
  ready: (state: ControlPlaneReady) => void,
): Promise<void> {
  const { rootNamespace } = config;
  const { authority } = opened;
  const accounts = serviceAccounts(store);
  const { records, tokens, svids } = attestation({ config, store, revocations, authority, clock });
  const registry = new WorkloadRegistry({ store, clock, events });
  const distribution = new Distribution({
    store,
    rootNamespace,
    clock,
    events: agentPresence(registry, events),
  });
  const rotation = authorityRotation({
    ...{ opened, store, distribution, ledger, revocations, events, clock, rootNamespace },
  });
  await rotation.publisher.publish();
  const own = serverIdentity({ authority, rootNamespace, clock });
  const attestors = [tokens, svids];
  const signing = { authority, attestors, serviceAccounts: accounts, ledger, revocations };
  const grpc = await startGrpcServer({
    listen: config.xds,
    identity: own.identity,
    routes: (router) => {
      router.service(IstioCertificateService, signingService({ ...signing, events, clock }));
      router.service(
        AggregatedDiscoveryService,
        discoveryService({
          ...{ distribution, attestor: svids, revocations, ledger, clock, signal },
        }),
        { acceptCompression: [] },
      );
    },
  });
  const adminSocket = adminSocketPath(config.dataDir);
  const admin = await serveJsonSocket({
    socketPath: adminSocket,
    routes: {
      ...certificateRoutes({ ledger, revocations }),
      ...rotation.routes,
      ...revocationRoutes({ ledger, revocations, tokens: records, authority }),
      ...adminRoutes({
        store,
        admission: admission({ store, events }),
        tokens,
        authority,
        serviceAccounts: accounts,
        events,
        clock,
        agents: () => connectedAgents(distribution),
      }),
    },
  });
  ready({
    xdsPort: grpc.port,
    adminSocket,
    rootFingerprint: rootFingerprint(authority),
    svidLifetimeMs: authority.rules.defaultLifetimeMs,
    reload: rotation.reload,
  });
  await runTasks(signal, [
    grpc.run,
    admin,
    own.run,
    ...rotation.tasks,
    keepLedger({ ledger, revocations, own: own.identity, events, clock }),
    registry.run,
    (stop) => distribution.run(stop),
  ]);
}

/** Who may be asking: holders of enrolment tokens, and of SVIDs that are not revoked. */
function attestation({
  config,
  store,
  revocations,
  authority,
  clock,
}: Omit<Parts, 'ledger' | 'events' | 'opened'> & { readonly authority: CertificateAuthority }) {
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

function connectedAgents({ agents }: Distribution): readonly object[] {
  return agents.map(({ agent }) => ({ id: agent.viewer.id.toString(), node: agent.node.id }));
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
