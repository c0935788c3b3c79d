import { FileSink, type FileSinkConfig } from '../../agent/files/file-sink.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { Logger } from '../../telemetry/process-log.ts';

/** Files with the own certificate and key, where the operator wants them; undefined where not. */
export function svidFilesSink(
  config: FileSinkConfig | undefined,
  identity: Watchable<Identity>,
  log: Logger,
): FileSink | undefined {
  if (config === undefined) return undefined;
  return new FileSink({
    ...{ ...config, identity, clock: systemClock },
    events: {
      written: (event) => log.info(event, 'certificate and key written to files'),
      failed: (event) => log.warn(event, 'certificate files: failed, trying again'),
      served: (event) => log.info(event, 'a handshake shows the certificate of the files'),
      notServed: (event) =>
        log.warn(
          event,
          'the certificate of the files is not served; the program goes on with one that will expire',
        ),
    },
  });
}
