import { MeshError, messageOf } from '../lib/errors.ts';
import type { Task } from '../lib/tasks.ts';
import {
  type MonitoringServerOptions,
  startMonitoringServer,
} from '../telemetry/monitoring-server.ts';

/** Where a program lets itself be watched. */
export interface MonitoringAddress {
  readonly listen: { readonly host: string; readonly port: number };
  /**
   * Whether an operator named it: then a taken port is an error. The default one is given up
   * instead, as several may run on one host.
   */
  readonly required: boolean;
}

/** What became of it. */
export interface Monitoring {
  /** Where it is; undefined when it is off. */
  readonly at: string | undefined;
  /** Why it is off although it was not switched off. */
  readonly problem: string | undefined;
  readonly run: Task;
}

const off = (problem?: string): Monitoring => ({
  ...{ at: undefined, problem },
  run: async () => undefined,
});

/** @throws {MeshError} ERR_LISTEN when an address that was asked for cannot be had. */
export async function openMonitoring(
  address: MonitoringAddress | undefined,
  options: Omit<MonitoringServerOptions, 'listen'>,
): Promise<Monitoring> {
  if (address === undefined) return off();
  const { listen, required } = address;
  try {
    const { port, run } = await startMonitoringServer({ ...options, listen });
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
    return { at: `${host}:${port}`, problem: undefined, run };
  } catch (error) {
    if (required || !MeshError.is(error, 'ERR_LISTEN')) throw error;
    return off(messageOf(error));
  }
}
