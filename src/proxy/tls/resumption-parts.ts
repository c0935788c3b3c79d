import type { Watchable } from '../../lib/watchable.ts';
import type { ProxyOptions } from '../proxy-options.ts';
import { Resumption } from './resumption.ts';
import { ticketKeys } from './ticket-keys.ts';

/** What a proxy's handshakes share to resume sessions. */
export interface ResumptionParts {
  readonly resumption: Resumption;
  readonly ticketKeys: Watchable<Uint8Array>;
  /** Stops following what keys depend on. */
  readonly stopResumption: () => void;
}

/** With the keys that were given, which other workers have too, or with keys of its own. */
export function resumptionParts(options: ProxyOptions): ResumptionParts {
  const { ticketKeys: shared, issuers, issuerMet: learned } = options;
  const { keys, stop } =
    shared === undefined ? ticketKeys(options) : { keys: shared, stop: () => undefined };
  const resumption = new Resumption({ keys, issuers, learned });
  return {
    resumption,
    ticketKeys: keys,
    stopResumption() {
      resumption.stop();
      stop();
    },
  };
}
