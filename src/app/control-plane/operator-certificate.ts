import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { readSmallFile } from '../../lib/small-file.ts';
import type { Task } from '../../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import { readPrivateFile } from '../private-file.ts';

export interface OperatorCertificateOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly events: {
    taskFailed(event: { readonly task: string; readonly reason: string }): void;
  };
}

interface PemPair {
  readonly cert: string;
  readonly key: string;
}

const LOOK_MS = 30_000;
const WORLD = 0o007;
const MAX_BYTES = 256 * 1024;

/**
 * A certificate that the operator keeps in files, read again every 30 seconds. A pair that does not
 * fit together, as in the middle of a renewal, leaves the one before in use.
 *
 * @throws {MeshError} ERR_STORE when the first cannot be used.
 */
export function operatorCertificate(options: OperatorCertificateOptions): {
  readonly current: Watchable<PemPair>;
  readonly run: Task;
} {
  const { clock, events } = options;
  const current = new WatchableValue(read(options));
  return {
    current,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(LOOK_MS, signal);
        if (signal.aborted) return;
        try {
          const next = read(options);
          const { cert, key } = current.current;
          if (next.cert !== cert || next.key !== key) current.set(next);
        } catch (error) {
          events.taskFailed({
            task: 'read the certificate of the bundle endpoint',
            reason: messageOf(error),
          });
        }
      }
    },
  };
}

function read({ certFile, keyFile }: OperatorCertificateOptions): PemPair {
  const key = readPrivateFile({
    ...{ path: keyFile, what: 'key of the bundle endpoint', forbiddenMode: WORLD },
    maxBytes: MAX_BYTES,
  });
  const what = 'certificate of the bundle endpoint';
  const cert = readSmallFile({ path: certFile, what, maxBytes: MAX_BYTES });
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (cause) {
    throw new MeshError(
      'ERR_STORE',
      `the certificate of the bundle endpoint "${certFile}" cannot be used: ${messageOf(cause)}`,
      { cause },
    );
  }
  throw new MeshError(
    'ERR_STORE',
    `the certificate "${certFile}" is not of the key "${keyFile}"; give the two that belong together`,
  );
}
