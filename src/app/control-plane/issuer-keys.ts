import type { ControlEvents } from '../../control/control-events.ts';
import { blockedAddresses } from '../../control/tokens/blocked-addresses.ts';
import { keySetPublisher } from '../../control/tokens/key-set-publisher.ts';
import type { Clock } from '../../lib/clock.ts';
import { httpsGet } from '../../lib/https-get.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Store } from '../../store/store.ts';

export interface IssuerKeysParts {
  readonly config: {
    /** Ranges that keys may be fetched from although they are blocked by default. */
    readonly allowedKeyAddresses?: readonly string[] | undefined;
    /** Roots for the servers of keys, PEM. Default: those of the machine. */
    readonly webRoots?: string | undefined;
  };
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
}

const MAX_BYTES = 256 * 1024;

/** Keeps the keys of issuers that RequestAuthentications name by URL. @throws {MeshError} ERR_USAGE */
export function issuerKeys({ config, store, clock, events }: IssuerKeysParts): Task {
  const isBlocked = blockedAddresses(config.allowedKeyAddresses ?? []);
  return keySetPublisher({
    ...{ store, clock, events },
    get: (url, timeoutMs) =>
      httpsGet({
        ...{ url, timeoutMs, maxBytes: MAX_BYTES, roots: config.webRoots },
        ...{ plainToo: true, isBlocked },
      }),
  });
}
