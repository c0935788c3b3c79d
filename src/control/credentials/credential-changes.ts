import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { keyOf } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';

export interface CredentialChangesOptions {
  readonly store: Pick<Store, 'version' | 'watch'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
}

/** What decides which credential a workload gets, and what is in it. */
const KINDS: ReadonlySet<string> = new Set([
  'Secret',
  'ServiceAccount',
  'DestinationRule.networking.istio.io',
]);
const RETRY_MS = 5_000;

/** Tells the streams of a namespace that something of theirs may have changed: one watch for all of them. */
export class CredentialChanges {
  readonly #options: CredentialChangesOptions;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: CredentialChangesOptions) {
    this.#options = options;
  }

  /** Calls `changed` after each change in `namespace`. Returns the way to stop. */
  subscribe(namespace: string, changed: () => void): () => void {
    const listeners = this.#listeners.getOrInsertComputed(namespace, () => new Set());
    listeners.add(changed);
    return () => {
      listeners.delete(changed);
      if (listeners.size === 0 && this.#listeners.get(namespace) === listeners)
        this.#listeners.delete(namespace);
    };
  }

  readonly run: Task = async (signal) => {
    const { store, clock, events } = this.#options;
    while (!signal.aborted) {
      try {
        const changes = store.watch({ fromVersion: store.version }, signal);
        // What came before the watch began, or was missed between two, is looked at once more.
        for (const listeners of this.#listeners.values()) tell(listeners);
        for await (const { resource } of changes) {
          if (!KINDS.has(keyOf(resource).kind)) continue;
          tell(this.#listeners.get(resource.metadata.namespace ?? ''));
        }
      } catch (error) {
        events.taskFailed({ task: 'follow Secrets that rules name', reason: messageOf(error) });
      }
      if (!signal.aborted) await clock.sleep(RETRY_MS, signal);
    }
  };
}

function tell(listeners: ReadonlySet<() => void> = new Set()): void {
  for (const changed of listeners) changed();
}
