import { type FactCache, openFactCache } from '../../agent/facts/fact-cache.ts';
import { ReceivedCredentials } from '../../agent/facts/received-credentials.ts';
import { ClockComparison } from '../../agent/identity/clock-skew.ts';
import {
  enrol,
  type IdentityEvents,
  type IdentityManager,
  type IdentityManagerOptions,
  identityManager,
} from '../../agent/identity/identity-manager.ts';
import { obtainSvid, type ReturnPath } from '../../agent/identity/obtain-svid.ts';
import { LagReport } from '../../agent/link/lag-report.ts';
import { LogService } from '../../agent/link/log-service.ts';
import { streamRenewal } from '../../agent/link/stream-renewal.ts';
import { ServedClients } from '../../agent/socket/served-clients.ts';
import { systemClock } from '../../lib/clock.ts';
import { collectAfterChanges } from '../../lib/collect-after-changes.ts';
import type { FileLock } from '../../lib/file-lock.ts';
import { runUntilLast } from '../../lib/run-until-last.ts';
import { runTasks } from '../../lib/tasks.ts';
import { defaultMeshSettings, type MeshSettings } from '../../policy/mesh-settings.ts';
import type { ProxyEvents } from '../../proxy/proxy-events.ts';
import type { ServingProxy } from '../../proxy/workers/serving-proxy.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { type Logger, processLog } from '../../telemetry/process-log.ts';
import { allProxyEvents, proxyLog } from '../../telemetry/proxy-log.ts';
import { recentActivity } from '../../telemetry/recent-activity.ts';
import { RecentLines } from '../../telemetry/recent-lines.ts';
import { fingerprint } from '../../x509/certificate.ts';
import type { AdsClient, AdsState } from '../../xds/ads-client.ts';
import { captureOptions } from '../capture/capture-config.ts';
import { ensurePrivateDirectory } from '../data-dir.ts';
import { boundThreadMemory, releaseStartMemory } from '../memory/release-start-memory.ts';
import { factsAt } from './facts-at.ts';
import { identityEvents, type RenewalStatus } from './identity-events.ts';
import { serveListeners, takeListeners } from './listener-handover.ts';
import { openSpiffe } from './open-spiffe.ts';
import { advertisedHost, onLifetimeChange, ownWorkload } from './own-workload.ts';
import { countReceived } from './received-certificates.ts';
import { registeredStatus, registeredWorkloads } from './registered-workloads.ts';
import { keepReturning, returnPath } from './return-path.ts';
import { SidecarClock } from './sidecar-clock.ts';
import { type SidecarConfig, tellOfEnrolment } from './sidecar-config.ts';
import { nodeId, sidecarLink } from './sidecar-link.ts';
import { SidecarMonitoring } from './sidecar-monitoring.ts';
import type { SidecarParts } from './sidecar-parts.ts';
import { sidecarProxy } from './sidecar-proxy.ts';
import { sidecarReadings, whyNotReady } from './sidecar-readings.ts';
import { sidecarReports } from './sidecar-reports.ts';
import {
  dismissPredecessor,
  type Handover,
  identitiesOfPredecessor,
  serveSidecarSocket,
} from './sidecar-socket.ts';
import { sidecarStatus } from './sidecar-status.ts';
import { lockStart } from './start-lock.ts';
import { svidFilesSink } from './svid-files-sink.ts';
import { WorkloadReport } from './workload-report.ts';

/**
 * One workload's agent and proxy, until `signal` aborts or a successor takes over; then open
 * connections are drained. Nothing is listened on before there is an identity and facts.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED and others when the control plane refuses, ERR_LISTEN, and ERR_CONFLICT
 * when another one is just starting there.
 */
export async function runSidecar(config: SidecarConfig, signal: AbortSignal): Promise<void> {
  ensurePrivateDirectory(config.stateDir);
  const starting = lockStart(config.stateDir);
  try {
    await startAndServe(config, starting, signal);
  } finally {
    starting.release();
  }
}

async function startAndServe(
  config: SidecarConfig,
  starting: FileLock,
  signal: AbortSignal,
): Promise<void> {
  boundThreadMemory();
  const recent = new RecentLines({ now: systemClock.now });
  const log = processLog('sidecar', config.logDescriptor, recent.write);
  const predecessor = await identitiesOfPredecessor(config.stateDir);
  const comparison = new ClockComparison();
  const monitoring = new SidecarMonitoring(config.monitoring);
  const { events, renewal } = identityEvents(log, [
    ...monitoring.identity,
    tellOfEnrolment(config),
  ]);
  const returning = returnPath(config, log);
  const managed = managerOptions(config, { comparison, returning }, events);
  const first = predecessor?.identity ?? (await enrol(managed, signal));
  const manager = identityManager(first, managed);
  const cache = await openFacts(config, manager, log);
  const workload = ownWorkload(first.svid.id, config.name, cache.facts);
  onLifetimeChange(cache.facts, workload.current, () => manager.renewNow());
  const stream = streamRenewal({
    identity: manager.identity,
    clock: systemClock,
    reconnect: () => ads.reconnect(),
  });
  const clock = new SidecarClock({
    ...{ clock: systemClock, comparison },
    node: () => nodeId(workload.current),
    jumped: (byMs) => {
      log.warn({ byMs }, 'the clock was set or the machine slept; looking whether to renew');
      manager.clockJumped(byMs);
    },
  });
  const served = new ServedClients({ clock: systemClock });
  const lag = new LagReport({ clients: served, clock: systemClock });
  const logs = new LogService({
    ...{ log: recent, clock: systemClock },
    node: () => nodeId(workload.current),
  });
  const told = sidecarReports(() => workload.current.name, systemClock);
  const credentials = new ReceivedCredentials({
    ...{ facts: cache.facts, workload, clock: systemClock },
  });
  const reports = [lag, logs, ...told.reports, credentials];
  const report = new WorkloadReport(config);
  const ads: AdsClient = sidecarLink({
    ...{ config, manager, cache, workload, clock, log, stream, lag, reports, report },
  });
  ads.state.subscribe((state) => logControlPlane(state, log));

  const ended = new AbortController();
  const agent = runTasks(ended.signal, [
    manager.run,
    keepReturning(config, returning, manager.identity, log),
    (stop) => ads.run(stop),
    stream.run,
    (stop) => cache.run(stop),
    clock.run,
    ...reports.map(({ run }) => run),
  ]);
  try {
    await factsAt(cache, AbortSignal.any([signal, ended.signal]));
    if (!signal.aborted) {
      const parts = { config, manager, cache, workload, clock, ads, served, log, predecessor };
      const serving = { ...told, credentials, monitoring, renewal, report, starting };
      await serve({ ...parts, ...serving }, signal);
    }
  } finally {
    ended.abort();
    await agent;
  }
}

interface Serving extends SidecarParts {
  readonly ads: AdsClient;
  readonly served: ServedClients;
  readonly predecessor: Handover | undefined;
  readonly monitoring: SidecarMonitoring;
  readonly listeners: readonly Partial<ProxyEvents>[];
  readonly credentials: ReceivedCredentials;
  readonly report: WorkloadReport;
  readonly starting: FileLock;
  readonly renewal: () => RenewalStatus;
}

async function serve(parts: Serving, signal: AbortSignal): Promise<void> {
  const { config, manager, cache, workload, clock, log } = parts;
  const { ads, served, predecessor, monitoring, renewal, credentials } = parts;
  const activity = recentActivity(systemClock.now);
  const received = countReceived(manager.identity);
  const proxy = await startProxy(parts, activity.events);
  if (parts.report.settle(proxy.bound)) ads.reconnect();
  const relieved = new AbortController();
  const stop = AbortSignal.any([signal, relieved.signal]);
  let lastWords: Promise<void> | undefined;
  const stopCollecting = collectAfterChanges(manager.identity, { clock: systemClock });
  try {
    const handedOver = predecessor?.registered;
    const registered = registeredWorkloads({ config, manager, cache, log, handedOver });
    const files = svidFilesSink(config.svidFiles, manager.identity, log);
    const known = { registered, served, facts: cache.facts };
    const spiffe = await openSpiffe(config, manager, known, log);
    lastWords = runTasks(stop, [
      spiffe.run,
      ...[registered, files].map((part) => async (until: AbortSignal) => part?.run(until)),
    ]);
    if (predecessor !== undefined) await dismissPredecessor(config.stateDir);
    const watched = await monitoring.start(
      sidecarReadings({ manager, ads, clock, proxy, spiffe, credentials }),
      () => whyNotReady(manager, stop),
    );
    for (const problem of monitoring.status.problems) log.warn({ problem }, 'not monitored');
    const socket = await serveSidecarSocket({
      stateDir: config.stateDir,
      identity: () => manager.identity.current,
      registered: () => registered?.identities ?? new Map(),
      drain: () => relieved.abort(),
      status: async () =>
        sidecarStatus({
          ...{ workload: workload.current, identity: manager.identity.current },
          received: received(),
          controlPlane: ads.state.current,
          ...{ clock: clock.status, renewal: renewal(), monitoring: monitoring.status },
          facts: cache.facts.current,
          source: cache.source.current,
          spiffeSocket: {
            ...{ path: config.spiffeSocket.path, sds: spiffe.sds },
            registered: registered?.held.current.map(registeredStatus) ?? [],
          },
          svidFiles: files?.status,
          credentials: credentials.held.current,
          ...{ connections: await proxy.connections(), workers: proxy.workers },
          ...{ capture: await proxy.capture(), activity, rootNamespace: config.rootNamespace },
        }),
    });
    const listeners = await serveListeners(config.stateDir, () => proxy.listening);
    parts.starting.release();
    releaseStartMemory();
    announce(parts, proxy);
    // A successor waits for the socket: ports and names must be free when that lets go of its clients.
    await runUntilLast(stop, [listeners, watched], socket);
  } finally {
    stopCollecting();
    relieved.abort();
    await lastWords;
    await drain(proxy, config, log);
  }
}

async function startProxy(parts: Serving, shown: ProxyEvents): Promise<ServingProxy> {
  const { config, manager, cache, workload, clock, log, credentials, predecessor } = parts;
  const inherited = predecessor === undefined ? [] : await takeListeners(config.stateDir);
  return await sidecarProxy({
    concurrency: config.concurrency ?? 1,
    plan: {
      settings: meshSettings(config, manager.identity.current),
      ...{ inbound: config.inbound, outbound: config.outbound, hbone: config.hbone },
      capture: captureOptions(config.capture),
      ownAddresses: [advertisedHost(config)],
      warmSessions: true,
      sockets: { inherited, alone: predecessor === undefined },
    },
    subjects: {
      ...{ workload, identity: manager.identity, facts: cache.facts },
      ...{ clockSkew: clock.comparison.skew, credentials: credentials.held },
    },
    events: allProxyEvents(...listeners(parts), shown),
    log,
  });
}

/** Who hears of what the proxy does, besides what is shown of it. */
function listeners(parts: Serving): readonly Partial<ProxyEvents>[] {
  const { config, log, monitoring } = parts;
  return [...parts.listeners, proxyLog(log, config.accessLog), ...monitoring.proxy];
}

function announce(
  { config, workload, manager, log, predecessor }: Serving,
  { bound }: ServingProxy,
): void {
  log.info({ workload: workload.current, takeOver: predecessor !== undefined }, 'sidecar ready');
  config.hooks?.ready?.({ id: manager.identity.current.svid.id, bound });
}

async function drain(
  proxy: ServingProxy,
  { drainTimeoutMs }: SidecarConfig,
  log: Logger,
): Promise<void> {
  log.info({ open: proxy.open, drainTimeoutMs }, 'draining');
  await proxy.drain(drainTimeoutMs);
  log.info('sidecar stopped');
}

function managerOptions(
  config: SidecarConfig,
  {
    comparison,
    returning,
  }: { readonly comparison: ClockComparison; readonly returning: ReturnPath },
  events: IdentityEvents,
): IdentityManagerOptions {
  const { controlPlane: address, rootNamespace, token } = config;
  return {
    obtain: obtainSvid({
      ...{ address, rootNamespace, token, clock: systemClock, comparison, returning },
    }),
    clock: systemClock,
    events,
  };
}

function openFacts(
  config: SidecarConfig,
  { identity }: IdentityManager,
  log: Logger,
): Promise<FactCache> {
  return openFactCache({
    meshIds: () => identity.current.bundle.x509Authorities.map(fingerprint),
    directory: config.stateDir,
    clock: systemClock,
    events: { problem: (sentence) => log.warn(sentence) },
  });
}

function logControlPlane(state: AdsState, log: Logger): void {
  if (state.phase === 'waiting') log.warn(state, 'no facts from the control plane, trying again');
  if (state.phase === 'synced') log.info('in sync with the control plane');
}

function meshSettings({ rootNamespace }: SidecarConfig, { svid }: Identity): MeshSettings {
  return { ...defaultMeshSettings, trustDomain: svid.id.trustDomain.name, rootNamespace };
}
