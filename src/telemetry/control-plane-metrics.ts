import type { ControlEvents } from '../control/control-events.ts';
import type { FederationView } from '../control/federation/federation-view.ts';
import { kinds } from '../resources/kinds.ts';
import type { MetricRegistry } from './metric-registry.ts';

/** What is looked at when somebody asks for the metrics. */
export interface ControlPlaneReadings {
  readonly certificates: () => readonly { readonly role: string; readonly notAfterMs: number }[];
  readonly storeVersion: () => number;
  readonly factsVersion: () => number;
  readonly streams: () => number;
  /** Agents that have not acknowledged everything they may see. */
  readonly behind: () => number;
  readonly revoked: () => number;
  /** Of each agent that was heard of, in milliseconds. */
  readonly clockSkews: () => readonly number[];
  readonly federation: () => readonly FederationView[];
}

const KINDS: ReadonlySet<string> = new Set(kinds.map(({ kind }) => kind));

/**
 * Names all metrics of the control plane (port 15014), and gives the listener that raises its counters.
 * Labels have few values: identities and names are in the audit log, not here.
 */
export function controlPlaneMetrics(
  metrics: MetricRegistry,
  readings: ControlPlaneReadings,
): Partial<ControlEvents> {
  describeReadings(metrics, readings);
  const issued = metrics.counter(
    'hauberk_ca_certificates_issued_total',
    'SVIDs handed out, by what proved the caller.',
    ['attestor'],
  );
  const refused = metrics.counter(
    'hauberk_ca_requests_refused_total',
    'Certificate requests refused, by error code.',
    ['code'],
  );
  const revoked = metrics.counter(
    'hauberk_certificates_revoked_total',
    'Certificates revoked, by reason.',
    ['reason'],
  );
  const renewed = metrics.counter(
    'hauberk_ca_renewals_total',
    'Certificates of the authority itself that were renewed.',
    ['role'],
  );
  const tokens = metrics.counter(
    'hauberk_enrolment_tokens_created_total',
    'Enrolment tokens made.',
  );
  const changes = metrics.counter(
    'hauberk_resource_changes_total',
    'Resources that operators changed.',
    ['kind', 'action'],
  );
  const connected = metrics.counter(
    'hauberk_discovery_streams_opened_total',
    'Discovery streams that agents opened.',
  );
  const rejected = metrics.counter(
    'hauberk_facts_rejected_total',
    'Facts that agents did not take (NACK), by kind.',
    ['kind'],
  );
  const failed = metrics.counter(
    'hauberk_task_failures_total',
    'Own tasks that failed and are tried again; the audit log names them.',
  );
  return {
    certificateIssued: ({ by }) => issued({ attestor: by }),
    certificateRefused: ({ code }) => refused({ code }),
    certificateRevoked: ({ reason }) => revoked({ reason }),
    authorityRotated: ({ role, step }) => void (step === 'activate' && renewed({ role })),
    ...workloadMetrics(metrics),
    tokenCreated: () => tokens(),
    resourcesChanged: ({ changes: list }) => {
      for (const { key, action } of list) changes({ kind: key.kind.split('.')[0] ?? '', action });
    },
    agentConnected: () => connected(),
    factsRejected: ({ type }) => rejected({ kind: kindIn(type) }),
    taskFailed: () => failed(),
  };
}

const MODES: ReadonlySet<string> = new Set(['KeepLast', 'Plaintext']);

function workloadMetrics(
  metrics: MetricRegistry,
): Pick<ControlEvents, 'credentialTold' | 'fallbackReported'> {
  const credentials = metrics.counter(
    'hauberk_credentials_answered_total',
    'Answers to workloads for whom rules name a Secret by credentialName.',
    ['outcome'],
  );
  const fallbacks = metrics.counter(
    'hauberk_fallbacks_reported_total',
    'Uses of FallbackPolicies that agents told of, and whose certificate had run out.',
    ['mode', 'whose'],
  );
  return {
    fallbackReported: ({ use: { mode, whose, count } }) =>
      fallbacks({ mode: MODES.has(mode) ? mode : 'other', whose }, count),
    credentialTold: ({ problem }) =>
      credentials({ outcome: problem === undefined ? 'given' : 'missing' }),
  };
}

/** The kind in a fact's type URL; what an agent made up is `other`. */
function kindIn(typeUrl: string): string {
  const kind = typeUrl.slice(Math.max(typeUrl.lastIndexOf('.'), typeUrl.lastIndexOf('/')) + 1);
  return KINDS.has(kind) ? kind : 'other';
}

function describeReadings(metrics: MetricRegistry, readings: ControlPlaneReadings): void {
  metrics.gauge(
    'hauberk_ca_certificate_expiry_timestamp_seconds',
    'When the certificates of the authority and of the control plane run out.',
    ['role'],
    () =>
      readings.certificates().map(({ role, notAfterMs }) => ({
        labels: { role },
        value: notAfterMs / 1_000,
      })),
  );
  metrics.value('hauberk_store_version', 'Version of the newest commit.', readings.storeVersion);
  metrics.value(
    'hauberk_facts_version',
    'Store version that is being distributed.',
    readings.factsVersion,
  );
  metrics.value('hauberk_discovery_streams', 'Agents connected now.', readings.streams);
  metrics.value(
    'hauberk_discovery_agents_behind',
    'Agents that have not acknowledged all that they may see.',
    readings.behind,
  );
  metrics.value(
    'hauberk_certificates_revoked',
    'Certificates that are revoked and have not expired.',
    readings.revoked,
  );
  metrics.value(
    'hauberk_agent_clock_skew_max_seconds',
    'Largest distance between the clock of an agent and this one.',
    () => readings.clockSkews().reduce((most, ms) => Math.max(most, Math.abs(ms)), 0) / 1_000,
  );
  describeFederation(metrics, readings);
}

function describeFederation(metrics: MetricRegistry, { federation }: ControlPlaneReadings): void {
  metrics.gauge(
    'hauberk_federation_last_success_timestamp_seconds',
    'When the bundle of another trust domain was last confirmed; 0 when not in this run.',
    ['trust_domain'],
    () =>
      federation().map(({ trustDomain, lastSuccess }) => ({
        labels: { trust_domain: trustDomain },
        value: lastSuccess === undefined ? 0 : Date.parse(lastSuccess) / 1_000,
      })),
  );
  metrics.gauge(
    'hauberk_federation_failures',
    'Attempts in a row that did not get the bundle of another trust domain.',
    ['trust_domain'],
    () =>
      federation().map(({ trustDomain, failures }) => ({
        labels: { trust_domain: trustDomain },
        value: failures,
      })),
  );
}
