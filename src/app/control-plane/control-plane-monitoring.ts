import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import type { Distribution } from '../../control/distribution/distribution.ts';
import { RecentFailures } from '../../control/happenings/recent-failures.ts';
import type { Revocations } from '../../control/revocation/revocations.ts';
import type { ServerIdentity } from '../../control/server-identity.ts';
import type { AgentClocks } from '../../control/workloads/agent-clocks.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Store } from '../../store/store.ts';
import { allControlEvents } from '../../telemetry/all-control-events.ts';
import { controlPlaneMetrics } from '../../telemetry/control-plane-metrics.ts';
import { MetricRegistry } from '../../telemetry/metric-registry.ts';
import { text } from '../../telemetry/monitoring-server.ts';
import { type Monitoring, type MonitoringAddress, openMonitoring } from '../monitoring.ts';
import type { FederationView } from './federation.ts';
import { readinessChecks } from './readiness-checks.ts';

export interface MonitoringConfig {
  /** Prometheus and health, on one port. Default: off. */
  readonly monitoring?:
    | { readonly address: MonitoringAddress | undefined; readonly version: string }
    | undefined;
}

/** What is looked at for the metrics. */
export interface MonitoredParts {
  readonly store: Store;
  readonly authority: Pick<CertificateAuthority, 'bundle' | 'intermediate'>;
  readonly own: Watchable<ServerIdentity>;
  readonly distribution: Distribution;
  readonly revocations: Revocations;
  readonly clocks: AgentClocks;
  readonly federation: () => readonly FederationView[];
  readonly clock: Clock;
}

/** Counts what the control plane tells of itself, from the beginning. */
export class ControlPlaneMonitoring {
  readonly events: ControlEvents;
  readonly failures: RecentFailures;
  readonly #config: MonitoringConfig['monitoring'];
  readonly #metrics: MetricRegistry;
  #parts: MonitoredParts | undefined;

  constructor({ monitoring }: MonitoringConfig, events: ControlEvents, clock: Clock) {
    this.#config = monitoring;
    const { version = 'unknown' } = monitoring ?? {};
    this.#metrics = new MetricRegistry({ version, component: 'control-plane' });
    const read =
      <T>(of: (parts: MonitoredParts) => T, none: T) =>
      (): T =>
        this.#parts === undefined ? none : of(this.#parts);
    this.failures = new RecentFailures(() => clock.now());
    this.events = allControlEvents(
      events,
      { taskFailed: this.failures.taskFailed },
      controlPlaneMetrics(this.#metrics, {
        certificates: read(certificatesOf, []),
        storeVersion: read(({ store }) => store.version, 0),
        factsVersion: read(({ distribution }) => distribution.version, 0),
        streams: read(({ distribution }) => distribution.agents.length, 0),
        behind: read(behindIn, 0),
        revoked: read(({ revocations }) => revocations.list().length, 0),
        clockSkews: read(({ clocks }) => clocks.list().map(({ skewMs }) => skewMs), []),
        federation: read(({ federation }) => federation(), []),
      }),
    );
  }

  /** @throws {MeshError} ERR_LISTEN when an address that was asked for cannot be had. */
  start(parts: MonitoredParts): Promise<Monitoring> {
    this.#parts = parts;
    return openMonitoring(this.#config?.address, {
      flag: '--metrics',
      pages: {
        '/metrics': this.#metrics.page,
        '/healthz': async () => text(200, 'ok'),
        '/ready': async () => {
          const problem = notReady(parts);
          return problem === undefined ? text(200, 'ready') : text(503, problem);
        },
      },
    });
  }
}

function certificatesOf({ authority, own }: MonitoredParts) {
  const roots = authority.bundle.current.x509Authorities.map(({ notAfterMs }) => notAfterMs);
  return [
    { role: 'root', notAfterMs: roots.length === 0 ? 0 : Math.min(...roots) },
    { role: 'intermediate', notAfterMs: authority.intermediate.notAfterMs },
    { role: 'control-plane', notAfterMs: own.current.leaf.notAfterMs },
  ];
}

function behindIn({ distribution }: MonitoredParts): number {
  const { behind } = distribution.converged(distribution.version);
  return new Set(behind.map(({ agent }) => agent)).size;
}

function notReady(parts: MonitoredParts): string | undefined {
  try {
    return readinessChecks(parts)
      .map((check) => check.problem())
      .find((problem) => problem !== undefined);
  } catch (error) {
    return messageOf(error);
  }
}
