import type { IdentityEvents } from '../../agent/identity/identity-manager.ts';
import { runTasks, type Task } from '../../lib/tasks.ts';
import type { ProxyEvents } from '../../proxy/proxy-events.ts';
import { MetricRegistry } from '../../telemetry/metric-registry.ts';
import { text } from '../../telemetry/monitoring-server.ts';
import {
  describeSidecar,
  type SidecarMetrics,
  type SidecarReadings,
  sidecarMetrics,
} from '../../telemetry/sidecar-metrics.ts';
import { type MonitoringAddress, openMonitoring } from '../monitoring.ts';

export interface SidecarMonitoringConfig {
  /** Prometheus: `/stats/prometheus`, `/metrics`. */
  readonly metrics?: MonitoringAddress | undefined;
  /** `/healthz/ready`. */
  readonly readiness?: MonitoringAddress | undefined;
  readonly version: string;
}

/** Where a sidecar is watched, for its status. */
export interface MonitoringStatus {
  readonly metrics: string | undefined;
  readonly readiness: string | undefined;
  /** Why one of them is off although it was not switched off. */
  readonly problems: readonly string[];
}

/** Counts from the beginning, and shows it once there is something to show. */
export class SidecarMonitoring {
  readonly proxy: readonly ProxyEvents[];
  readonly identity: readonly Pick<IdentityEvents, 'svidIssued' | 'renewalFailed'>[];
  readonly #config: SidecarMonitoringConfig | undefined;
  readonly #registry: MetricRegistry | undefined;
  #status: MonitoringStatus = { metrics: undefined, readiness: undefined, problems: [] };

  constructor(config: SidecarMonitoringConfig | undefined) {
    this.#config = config;
    const { version = '', metrics: address } = config ?? {};
    let counters: SidecarMetrics | undefined;
    if (address !== undefined) {
      this.#registry = new MetricRegistry({ version, component: 'sidecar' });
      counters = sidecarMetrics(this.#registry);
    }
    this.proxy = counters === undefined ? [] : [counters.proxy];
    this.identity = counters === undefined ? [] : [counters.identity];
  }

  get status(): MonitoringStatus {
    return this.#status;
  }

  /**
   * @param notReady why the sidecar is not ready now; undefined when it is
   * @throws {MeshError} ERR_LISTEN when an address that was asked for cannot be had.
   */
  async start(readings: SidecarReadings, notReady: () => string | undefined): Promise<Task> {
    const registry = this.#registry;
    const ready = async () => {
      const problem = notReady();
      return problem === undefined ? text(200, 'ready') : text(503, problem);
    };
    if (registry !== undefined) describeSidecar(registry, readings);
    const pages = { '/healthz/ready': ready };
    const metrics = await openMonitoring(this.#config?.metrics, {
      flag: '--metrics',
      pages: registry
        ? { '/metrics': registry.page, '/stats/prometheus': registry.page, ...pages }
        : pages,
    });
    const readiness = await openMonitoring(this.#config?.readiness, { flag: '--readiness', pages });
    this.#status = {
      ...{ metrics: metrics.at, readiness: readiness.at },
      problems: [metrics.problem, readiness.problem].filter((problem) => problem !== undefined),
    };
    return (signal) => runTasks(signal, [metrics.run, readiness.run]);
  }
}
