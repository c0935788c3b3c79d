import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { newest } from '../../lib/newest.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import {
  type Renewal,
  readTrustBundle,
  trustBundleKey,
  trustBundleResource,
} from './trust-bundle-resource.ts';

export interface BundlePublisherOptions {
  readonly store: Pick<Store, 'get' | 'commit'>;
  /** The own trust domain's, as it is to be; its sequence number is ignored. */
  readonly bundle: Watchable<TrustBundle>;
  /** What is said beside it to the agents. Default: nothing. */
  readonly renewal?: () => Renewal;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
}

export interface Published {
  readonly version: number;
  readonly sequence: number;
}

export interface BundlePublisher {
  /**
   * Makes the stored object say what the bundle says now, under a sequence number that is raised
   * when, and only when, its content changes. Returns that, and the store version from which on it
   * says so.
   *
   * @throws {MeshError} ERR_STORE.
   */
  publish(): Promise<Published>;
  /** Publishes each change. */
  readonly run: Task;
}

const RETRY = { firstMs: 200, maxMs: 10_000 };
const MOST_CONFLICTS = 10;

/** Keeps the own trust domain's TrustBundle, from which every agent learns whom to trust. */
export function bundlePublisher(options: BundlePublisherOptions): BundlePublisher {
  const { store, clock, events } = options;
  return {
    publish,
    async run(signal) {
      for await (const _ of newest(options.bundle, signal)) await publishUntilDone(signal);
    },
  };

  async function publish(): Promise<Published> {
    for (let conflicts = 1; ; conflicts += 1) {
      try {
        return await publishOnce();
      } catch (error) {
        if (!MeshError.is(error, 'ERR_CONFLICT') || conflicts >= MOST_CONFLICTS) throw error;
      }
    }
  }

  async function publishOnce(): Promise<Published> {
    const bundle = options.bundle.current;
    const stored = await store.get(trustBundleKey(bundle.trustDomain));
    const before = stored && readTrustBundle(stored);
    const same = before?.hasContentOf(bundle) === true;
    const sequence = (before?.sequence ?? 0) + (same ? 0 : 1);
    const resource = trustBundleResource(bundle.withSequence(sequence), options.renewal?.());
    const expectVersion = stored?.metadata.resourceVersion ?? '0';
    // What is stored already takes no version.
    const [put] = await store.commit([{ op: 'put', resource, expectVersion }]);
    return { version: Number(put?.metadata.resourceVersion), sequence };
  }

  async function publishUntilDone(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        await publish();
        return;
      } catch (error) {
        events.taskFailed({ task: 'publish the trust bundle', reason: messageOf(error) });
        await clock.sleep(backoffMs(failures, RETRY), signal);
      }
    }
  }
}
