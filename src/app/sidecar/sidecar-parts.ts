import type { FactCache } from '../../agent/facts/fact-cache.ts';
import type { IdentityManager } from '../../agent/identity/identity-manager.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Workload } from '../../policy/workload.ts';
import type { Logger } from '../../telemetry/process-log.ts';
import type { SidecarClock } from './sidecar-clock.ts';
import type { SidecarConfig } from './sidecar-config.ts';

/** What every part of a running sidecar works with. */
export interface SidecarParts {
  readonly config: SidecarConfig;
  readonly manager: IdentityManager;
  readonly cache: FactCache;
  readonly workload: Watchable<Workload>;
  readonly clock: SidecarClock;
  readonly log: Logger;
}
