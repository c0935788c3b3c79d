import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { annotations } from '../../resources/annotations.ts';
import { keyOf, keyText, type Resource } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import {
  deregisterWorkload,
  type Registrant,
  registerWorkload,
  type WorkloadReport,
} from './workload-registration.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
  /** How long an agent may be away before its WorkloadEntry goes. Default 60 s. */
  readonly graceMs?: number;
}

interface Presence {
  readonly registrant: Registrant;
  /** Undefined for an entry of an earlier run whose agent has not come back yet. */
  readonly report: WorkloadReport | undefined;
  connections: number;
  awaySinceMs: number | undefined;
}

const ENTRY_KIND = 'WorkloadEntry.networking.istio.io';
const SWEEP_MS = 1_000;
const GRACE_MS = 60_000;

/** Keeps one WorkloadEntry for every connected agent, and takes it away some time after it left. */
export class WorkloadRegistry {
  readonly #options: RegistryOptions;
  readonly #presences = new Map<string, Presence>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** @throws {MeshError} as registerWorkload does. */
  async connected(registrant: Registrant, report: WorkloadReport): Promise<void> {
    const id = idOf(registrant, report.name);
    // Two connections at once are normal: a sidecar that takes over from its predecessor.
    const connections = (this.#presences.get(id)?.connections ?? 0) + 1;
    this.#presences.set(id, { registrant, report, connections, awaySinceMs: undefined });
    await registerWorkload(this.#options.store, registrant, report);
  }

  disconnected(registrant: Registrant, name: string): void {
    const presence = this.#presences.get(idOf(registrant, name));
    if (presence === undefined) return;
    presence.connections -= 1;
    if (presence.connections <= 0) presence.awaySinceMs = this.#options.clock.elapsedMs();
  }

  /** Removes what went away, and carries label changes of service accounts to their workloads. */
  readonly run: Task = async (signal) => {
    await this.#adopt();
    const following = this.#followAccounts(signal);
    while (!signal.aborted) {
      await this.#options.clock.sleep(SWEEP_MS, signal);
      if (!signal.aborted) await this.#attempt('remove absent workloads', () => this.#sweep());
    }
    await following;
  };

  /** After a restart nobody is connected yet; what was registered gets the grace of one absence. */
  async #adopt(): Promise<void> {
    const { store, clock } = this.#options;
    for (const { metadata } of (await store.list(ENTRY_KIND)).items) {
      const serviceAccount = metadata.annotations?.[annotations.registered];
      const registrant = {
        namespace: metadata.namespace ?? '',
        serviceAccount: serviceAccount ?? '',
      };
      const id = idOf(registrant, metadata.name);
      if (serviceAccount === undefined || this.#presences.has(id)) continue;
      const awaySinceMs = clock.elapsedMs();
      this.#presences.set(id, { registrant, report: undefined, connections: 0, awaySinceMs });
    }
  }

  async #sweep(): Promise<void> {
    const { store, clock, graceMs = GRACE_MS } = this.#options;
    for (const [id, { awaySinceMs }] of this.#presences) {
      if (awaySinceMs === undefined || clock.elapsedMs() - awaySinceMs < graceMs) continue;
      this.#presences.delete(id);
      const [namespace = '', name = ''] = id.split('/');
      const entry = await store.get({ kind: ENTRY_KIND, namespace, name });
      if (entry !== undefined) await deregisterWorkload(store, entry);
    }
  }

  async #followAccounts(signal: AbortSignal): Promise<void> {
    const { store, clock, events } = this.#options;
    while (!signal.aborted) {
      try {
        const watched = store.watch({ kind: 'ServiceAccount', fromVersion: store.version }, signal);
        for await (const { resource, type } of watched) {
          const task = `relabel the workloads of ${keyText(keyOf(resource))}`;
          if (type !== 'DELETED') await this.#attempt(task, () => this.#relabel(resource));
        }
      } catch (error) {
        events.taskFailed({ task: 'follow service accounts', reason: messageOf(error) });
        await clock.sleep(SWEEP_MS, signal);
      }
    }
  }

  async #relabel({ metadata }: Resource): Promise<void> {
    for (const { registrant, report, connections } of this.#presences.values()) {
      const same =
        registrant.namespace === metadata.namespace && registrant.serviceAccount === metadata.name;
      if (same && report !== undefined && connections > 0) {
        await registerWorkload(this.#options.store, registrant, report);
      }
    }
  }

  async #attempt(task: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.events.taskFailed({ task, reason: messageOf(error) });
    }
  }
}

function idOf({ namespace }: Registrant, name: string): string {
  return `${namespace}/${name}`;
}
