import type { RunningProxy } from '../../proxy/proxy.ts';
import { namedCapturePorts } from '../capture/capture-config.ts';
import { advertisedHost } from './own-workload.ts';
import type { SidecarConfig } from './sidecar-config.ts';

/**
 * What a sidecar tells the control plane of where its workload is reached. While ports are not known, because any will
 * do and none is bound yet, it has no PORTS: then nobody is sent there.
 */
export class WorkloadReport {
  readonly #config: SidecarConfig;
  #bound: RunningProxy['bound'] | undefined;

  constructor(config: SidecarConfig) {
    this.#config = config;
  }

  /** Notes which ports were bound. Whether that is news, which the control plane must be told. */
  settle(bound: RunningProxy['bound']): boolean {
    const isNews = !this.#known;
    this.#bound = bound;
    return isNews;
  }

  /** As the metadata of a node in discovery, with Istio's names. */
  metadata(name: string): Record<string, string | number | Record<string, number>> {
    const config = this.#config;
    const who = { NAME: name, INSTANCE_IPS: advertisedHost(config) };
    if (!this.#known) return who;
    const ports = config.inbound.map(({ name: port, listen }, at) => [
      port,
      this.#bound?.inbound[at]?.port ?? listen.port,
    ]);
    return {
      ...who,
      HBONE_PORT: config.advertise.hbonePort ?? this.#bound?.hbone.port ?? config.hbone.port,
      PORTS: { ...namedCapturePorts(config.capture), ...Object.fromEntries(ports) },
    };
  }

  get #known(): boolean {
    const { advertise, hbone, inbound } = this.#config;
    const asked = [advertise.hbonePort ?? hbone.port, ...inbound.map(({ listen }) => listen.port)];
    return this.#bound !== undefined || !asked.includes(0);
  }
}
