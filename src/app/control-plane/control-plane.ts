import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { Distribution } from '../../control/distribution/distribution.ts';
import { startGrpcServer } from '../../control/grpc-server.ts';
import { openIssuanceLedger } from '../../control/issuance/issuance-ledger-file.ts';
import { keepLedger } from '../../control/issuance/keep-ledger.ts';
import { crlPublisher } from '../../control/revocation/crl-publisher.ts';
import { Revocations } from '../../control/revocation/revocations.ts';
import { serverIdentity } from '../../control/server-identity.ts';
import { AgentClocks } from '../../control/workloads/agent-clocks.ts';
import { agentPresence } from '../../control/workloads/agent-presence.ts';
import { CallRecords } from '../../control/workloads/call-records.ts';
import { FallbackUses } from '../../control/workloads/fallback-uses.ts';
import { WorkloadRegistry } from '../../control/workloads/registry.ts';
import { ServedClients } from '../../control/workloads/served-clients.ts';
import { WorkloadLogs } from '../../control/workloads/workload-logs.ts';
import { systemClock } from '../../lib/clock.ts';
import { aesSealer } from '../../lib/sealer.ts';
import { runTasks } from '../../lib/tasks.ts';
import { registryWithCustomKinds } from '../../resources/custom/registry-with-custom-kinds.ts';
import { openSqliteStore } from '../../store/sqlite-store.ts';
import { openAuditLog } from '../../telemetry/audit-log.ts';
import { controlLog } from '../../telemetry/control-log.ts';
import { processLog } from '../../telemetry/process-log.ts';
import {
  AUDIT_FILE,
  DATABASE_FILE,
  ensurePrivateDirectory,
  kubeconfigPath,
  LEDGER_FILE,
  MASTER_KEY_FILE,
} from '../data-dir.ts';
import type { Monitoring } from '../monitoring.ts';
import { agentServices } from './agent-services.ts';
import { attestation } from './attestation.ts';
import { authorityRotation } from './authority-rotation.ts';
import type { ControlPlaneConfig, ControlPlaneReady } from './control-plane-config.ts';
import { ControlPlaneMonitoring } from './control-plane-monitoring.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { credentialDistribution } from './credential-distribution.ts';
import { ensureNamespaces } from './ensure-namespaces.ts';
import { startFederation } from './federation.ts';
import { issuerKeys } from './issuer-keys.ts';
import { readMasterKey } from './master-key.ts';
import { openAuthority } from './open-authority.ts';
import { operatorRoutes } from './operator-api.ts';
import { recordedEvents } from './recorded-events.ts';
import {
  apiNames,
  type ResourceApi,
  type ResourceApiOptions,
  startResourceApi,
} from './resource-api.ts';
import { rootFingerprint } from './root-fingerprint.ts';
import { openTokenAuthority } from './token-authority.ts';

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
  const audit = openAuditLog(join(dataDir, AUDIT_FILE), clock);
  const ledger = openIssuanceLedger({ path: join(dataDir, LEDGER_FILE) });
  try {
    await ensureNamespaces(store, ['default', rootNamespace]);
    const opened = await openAuthority(config, { store, clock });
    const logged = controlLog(audit.events, processLog('control-plane', STANDARD_ERROR));
    const monitoring = new ControlPlaneMonitoring(config, logged, clock);
    const { events, recorder } = recordedEvents(monitoring.events, { store, rootNamespace, clock });
    const revocations = await Revocations.load({ store, clock, events });
    const { authority } = opened;
    const tokenAuthority = await openTokenAuthority({
      ...{ config: config.tokens ?? {}, rootNamespace, authority, store, clock, events },
    });
    const kinds = registryWithCustomKinds();
    const parts = { config, store, kinds, ledger, revocations, opened, authority, tokenAuthority };
    await serve({ ...parts, events, recorder, clock, monitoring }, signal, ready);
  } finally {
    ledger.close();
    audit.close();
    store.close();
  }
}

async function serve(
  parts: ControlPlaneParts,
  signal: AbortSignal,
  ready: (state: ControlPlaneReady) => void,
): Promise<void> {
  const { config, store, ledger, revocations, authority, tokenAuthority, events, clock } = parts;
  const { rootNamespace } = config;
  const { records, tickets, sweep, attestors } = attestation(parts);
  const registry = new WorkloadRegistry({ store, clock, events });
  const presence = agentPresence(registry, events);
  const distribution = new Distribution({ store, rootNamespace, clock, events: presence });
  const clients = new ServedClients(clock);
  const rotation = authorityRotation({
    ...{ ...parts, distribution, served: clients, lists: crlPublisher(parts), rootNamespace },
    bundle: tokenAuthority.bundle,
  });
  await rotation.publisher.publish();
  const own = serverIdentity({ authority, rootNamespace, clock, names: apiNames(config.api.host) });
  const clocks = new AgentClocks(clock);
  const logs = new WorkloadLogs({ attestor: attestors.svids, signal });
  const calls = new CallRecords(attestors.svids);
  const credentials = credentialDistribution(parts, attestors.svids, signal);
  const fallbacks = new FallbackUses({ ...parts, rootNamespace, attestor: attestors.svids });
  const heard = { distribution, clocks, clients, logs, calls, credentials, fallbacks, signal };
  const services = agentServices(parts, { attestors, tickets, ...heard });
  const agentsServed = { listen: config.xds, identity: own.identity, routes: services };
  const grpc = await startGrpcServer({ ...agentsServed, clock });
  const federation = await startFederation({
    ...{ ...parts, authority: tokenAuthority, own: own.identity },
  });
  const tokenService = await tokenAuthority.start(own.identity);
  const observed = { store, authority, own: own.identity, distribution, revocations, clocks };
  const monitoring = await parts.monitoring.start({
    ...{ ...observed, federation: federation.views, clock },
  });
  const operator = operatorRoutes(parts, {
    ...{ federation, rotation, distribution, clocks, monitoring, calls },
    ...{ own: own.identity, xdsPort: grpc.port, enrolment: records, tickets },
  });
  const enrolment = attestors.tokens;
  const served = { identity: own.identity, logs, operator, enrolment };
  const api = await openResourceApi(parts, served);
  const { oidcPort } = tokenService;
  const ports = { xdsPort: grpc.port, bundlePort: federation.port, apiPort: api.port, oidcPort };
  const places = { ...ports, ...monitoringState(monitoring), reload: rotation.reload };
  ready(readyState(config, authority, places));
  await runTasks(signal, [
    grpc.run,
    api.run,
    own.run,
    federation.run,
    ...rotation.tasks,
    tokenService.run,
    monitoring.run,
    sweep,
    keepLedger({ ledger, revocations, own: own.identity, events, clock }),
    registry.run,
    issuerKeys(parts),
    parts.recorder.run,
    credentials.run,
    fallbacks.run,
    (stop) => distribution.run(stop),
  ]);
}

function openResourceApi(
  { config, store, kinds, recorder, authority, tokenAuthority, events, clock }: ControlPlaneParts,
  served: Pick<ResourceApiOptions, 'identity' | 'logs' | 'operator' | 'enrolment'>,
): Promise<ResourceApi> {
  const { dataDir, rootNamespace, api } = config;
  const parts = { store, kinds, recorder, authority, tokens: tokenAuthority, events, clock };
  return startResourceApi({ ...parts, ...served, dataDir, rootNamespace, listen: api });
}

function readyState(
  { dataDir }: ControlPlaneConfig,
  authority: CertificateAuthority,
  places: Omit<ControlPlaneReady, 'kubeconfig' | 'rootFingerprint' | 'svidLifetimeMs'>,
): ControlPlaneReady {
  return {
    ...places,
    kubeconfig: kubeconfigPath(dataDir),
    rootFingerprint: rootFingerprint(authority),
    svidLifetimeMs: authority.rules.defaultLifetimeMs,
  };
}

function monitoringState({ at, problem }: Monitoring) {
  return { monitoringAt: at, monitoringProblem: problem };
}
