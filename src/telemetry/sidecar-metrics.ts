import type { IdentityEvents } from '../agent/identity/identity-manager.ts';
import type { SdsStatus } from '../agent/socket/sds-clients.ts';
import type { HeldCredentials } from '../policy/upstream/held-credentials.ts';
import type { Direction, ProxyEvents } from '../proxy/proxy-events.ts';
import type { WorkerStatus } from '../proxy/workers/serving-proxy.ts';
import type { MetricRegistry } from './metric-registry.ts';

/** What is looked at when somebody asks for the metrics. */
export interface SidecarReadings {
  readonly certificateNotAfterMs: () => number;
  /** Whether the control plane has sent everything, and goes on doing so. */
  readonly inSync: () => boolean;
  readonly openConnections: () => Readonly<Record<Direction, number>>;
  /** Empty when the proxy is not in threads of its own. */
  readonly workers: () => readonly WorkerStatus[];
  readonly sds: () => SdsStatus;
  /** What rules name by `credentialName`. */
  readonly credentials: () => HeldCredentials;
  readonly federated: () => number;
  /** In milliseconds; undefined while nothing was measured. */
  readonly clockSkewMs: () => number | undefined;
  readonly clockJumps: () => number;
}

export interface SidecarMetrics {
  readonly proxy: ProxyEvents;
  readonly identity: Pick<IdentityEvents, 'svidIssued' | 'renewalFailed'>;
}

/**
 * Names all metrics of a sidecar (port 15020), and gives the listeners that raise its counters. Labels
 * have few values: who called whom is in the log, not here.
 */
export function sidecarMetrics(metrics: MetricRegistry): SidecarMetrics {
  const enrolments = metrics.counter(
    'hauberk_enrolments_total',
    'First certificates that were received.',
  );
  const renewals = metrics.counter(
    'hauberk_certificate_renewals_total',
    'Certificates that were renewed.',
  );
  const failures = metrics.counter(
    'hauberk_certificate_renewal_failures_total',
    'Attempts to get a certificate that failed.',
  );
  return {
    proxy: proxyMetrics(metrics),
    identity: {
      svidIssued: ({ renewal }) => (renewal ? renewals() : enrolments()),
      renewalFailed: () => failures(),
    },
  };
}

function proxyMetrics(metrics: MetricRegistry): ProxyEvents {
  const opened = metrics.counter(
    'hauberk_connections_opened_total',
    'Connections of applications that were let through.',
    ['direction', 'transport'],
  );
  const closed = metrics.counter(
    'hauberk_connections_closed_total',
    'Connections that ended, and why.',
    ['direction', 'reason'],
  );
  const denied = metrics.counter(
    'hauberk_connections_denied_total',
    'Connections that were refused, and why.',
    ['direction', 'reason'],
  );
  const bytes = metrics.counter(
    'hauberk_connection_bytes_total',
    'Bytes of connections that ended: `sent` from the one who connected, `received` by it.',
    ['direction', 'flow'],
  );
  const handshakes = metrics.counter(
    'hauberk_handshakes_failed_total',
    'Mutual TLS handshakes that failed.',
    ['direction'],
  );
  const upstreams = metrics.counter(
    'hauberk_upstreams_failed_total',
    'Connections for which no application or endpoint answered.',
    ['direction'],
  );
  const sessions = metrics.counter(
    'hauberk_sessions_opened_total',
    'Mutual TLS sessions between sidecars (HBONE).',
    ['direction'],
  );
  const ended = metrics.counter(
    'hauberk_sessions_closed_total',
    'Mutual TLS sessions between sidecars that ended.',
    ['direction'],
  );
  const fallbacks = metrics.counter(
    'hauberk_fallbacks_used_total',
    'Handshakes, and plaintext connections, that a FallbackPolicy let through without a valid certificate, and whose was missing.',
    ['mode', 'whose'],
  );
  return {
    connectionOpened: ({ direction, transport }) => opened({ direction, transport }),
    connectionClosed: ({ direction, reason, bytesIn, bytesOut }) => {
      closed({ direction, reason });
      bytes({ direction, flow: 'sent' }, bytesIn);
      bytes({ direction, flow: 'received' }, bytesOut);
    },
    connectionDenied: ({ direction, reason }) => denied({ direction, reason }),
    handshakeFailed: ({ direction }) => handshakes({ direction }),
    upstreamFailed: ({ direction }) => upstreams({ direction }),
    ...requestMetrics(metrics),
    sessionOpened: ({ direction }) => sessions({ direction }),
    sessionClosed: ({ direction }) => ended({ direction }),
    fallbackUsed: ({ mode, whose }) => fallbacks({ mode, whose }),
    portLearned: () => undefined,
  };
}

function requestMetrics(
  metrics: MetricRegistry,
): Pick<ProxyEvents, 'requestEnded' | 'httpMalformed'> {
  const requests = metrics.counter(
    'hauberk_requests_total',
    'HTTP requests to the workload on ports where requests are judged, and what was decided.',
    ['protocol', 'verdict'],
  );
  const malformed = metrics.counter(
    'hauberk_http_malformed_total',
    'Messages that were refused because they are no HTTP, or could be understood in two ways.',
    ['side'],
  );
  return {
    requestEnded: ({ protocol, verdict }) => requests({ protocol, verdict }),
    httpMalformed: ({ side }) => malformed({ side }),
  };
}

/** Names what is looked at; called once there is something to look at. */
export function describeSidecar(metrics: MetricRegistry, readings: SidecarReadings): void {
  metrics.value(
    'hauberk_certificate_expiry_timestamp_seconds',
    'When the certificate of this workload runs out.',
    () => readings.certificateNotAfterMs() / 1_000,
  );
  metrics.value(
    'hauberk_control_plane_in_sync',
    '1 while the control plane tells of each change, 0 while the sidecar goes on with what it knew.',
    () => (readings.inSync() ? 1 : 0),
  );
  metrics.gauge('hauberk_connections_open', 'Connections open now.', ['direction'], () => {
    const open = readings.openConnections();
    return (['inbound', 'outbound'] as const).map((direction) => ({
      labels: { direction },
      value: open[direction],
    }));
  });
  describeWorkers(metrics, readings);
  metrics.gauge(
    'hauberk_credentials',
    'Secrets that rules name by credentialName for this workload: held, or missing.',
    ['state'],
    () => {
      const all = [...readings.credentials().values()];
      const missing = all.filter((each) => 'problem' in each).length;
      return [
        { labels: { state: 'held' }, value: all.length - missing },
        { labels: { state: 'missing' }, value: missing },
      ];
    },
  );
  metrics.value('hauberk_federated_trust_domains', 'Other trust domains that are believed.', () =>
    readings.federated(),
  );
  metrics.value(
    'hauberk_clock_skew_seconds',
    "This host's clock minus the control plane's.",
    () => {
      const skewMs = readings.clockSkewMs();
      return skewMs === undefined ? undefined : skewMs / 1_000;
    },
  );
  metrics.total(
    'hauberk_clock_jumps_total',
    'How often the clock was set or the machine slept.',
    [],
    () => [{ value: readings.clockJumps() }],
  );
  describeSds(metrics, readings);
}

function describeWorkers(metrics: MetricRegistry, { workers }: SidecarReadings): void {
  metrics.gauge('hauberk_proxy_workers', 'Proxy workers that serve.', [], () => {
    const threads = workers();
    const inAgentsThread = threads.length === 0;
    return [{ value: inAgentsThread ? 1 : threads.filter(({ serving }) => serving).length }];
  });
  const sum = (of: (worker: WorkerStatus) => number): number =>
    workers().reduce((total, worker) => total + of(worker), 0);
  metrics.total(
    'hauberk_proxy_worker_restarts_total',
    'How often a proxy worker ended that should not have, and was started again.',
    [],
    () => [{ value: sum(({ restarts }) => restarts) }],
  );
  metrics.total(
    'hauberk_proxy_events_dropped_total',
    'Events of proxy workers that were not reported, because too many waited.',
    [],
    () => [{ value: sum(({ eventsDropped }) => eventsDropped) }],
  );
}

function describeSds(metrics: MetricRegistry, { sds }: SidecarReadings): void {
  metrics.value('hauberk_sds_clients', 'SDS streams that are open.', () => sds().clients.length);
  const counts = ['pushed', 'acknowledged', 'rejected'] as const;
  const words = { pushed: 'sent', acknowledged: 'accepted (ACK)', rejected: 'refused (NACK)' };
  for (const count of counts) {
    metrics.total(
      `hauberk_sds_${count}_total`,
      `SDS responses that were ${words[count]}, by what was asked for.`,
      ['resource'],
      () =>
        Object.entries(sds().byResource).map(([resource, totals]) => ({
          labels: { resource },
          value: totals[count],
        })),
    );
  }
}
