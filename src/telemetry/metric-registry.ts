import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type MonitoringPage, text } from './monitoring-server.ts';

export interface BuildInfo {
  readonly version: string;
  /** `control-plane` or `sidecar`. */
  readonly component: string;
}

/** One value of a gauge. */
export interface Reading {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics of one process: counters that events raise, gauges that are read when somebody asks. */
export class MetricRegistry {
  readonly #registry = new Registry();

  constructor({ version, component }: BuildInfo) {
    collectDefaultMetrics({ register: this.#registry });
    // Gauges that are called `_total`, against the conventions.
    for (const { name } of this.#registry.getMetricsAsArray()) {
      if (name.startsWith('nodejs_active_')) this.#registry.removeSingleMetric(name);
    }
    this.gauge('hauberk_build_info', 'What runs here; always 1.', ['version', 'component'], () => [
      { labels: { version, component }, value: 1 },
    ]);
  }

  /** @param labels of which each has few values, known beforehand. */
  counter<Label extends string = never>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
  ): (values?: Readonly<Record<Label, string>>, by?: number) => void {
    const counter = new Counter({
      ...{ name, help, labelNames: [...labels], registers: [this.#registry] },
    });
    return (values, by = 1) => {
      if (values === undefined) counter.inc(by);
      else counter.inc({ ...values }, by);
    };
  }

  /** A gauge whose values are asked for at each scrape; what is not given any more is gone. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly Reading[],
  ): void {
    new Gauge({
      ...{ name, help, labelNames: [...labels], registers: [this.#registry] },
      collect() {
        this.reset();
        for (const { labels: of = {}, value } of read()) this.set({ ...of }, value);
      },
    });
  }

  /** A gauge of one value without labels; while that is undefined, the metric has none. */
  value(name: string, help: string, read: () => number | undefined): void {
    this.gauge(name, help, [], () => {
      const value = read();
      return value === undefined ? [] : [{ value }];
    });
  }

  /** A counter that something else keeps; read at each scrape. */
  total(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly Reading[],
  ): void {
    new Counter({
      ...{ name, help, labelNames: [...labels], registers: [this.#registry] },
      collect() {
        this.reset();
        for (const { labels: of = {}, value } of read()) this.inc({ ...of }, value);
      },
    });
  }

  /** Prometheus' text format. */
  readonly page = async (): Promise<MonitoringPage> => ({
    ...text(200, ''),
    contentType: this.#registry.contentType,
    body: await this.#registry.metrics(),
  });
}
