import { MeshError } from '../lib/errors.ts';
import { libcFunction } from '../lib/libc-function.ts';

const CLOCK_BOOTTIME = 7;
const NS_PER_TICK = 10_000_000n;

const clockGetTime = libcFunction<number, [number, BigInt64Array]>(
  'int clock_gettime(int clock, _Out_ int64_t *time)',
);

/**
 * The clock by which Linux says in /proc when a process began: time since boot, suspension included,
 * in ticks of a hundredth of a second. /proc/uptime is not the same in every container.
 *
 * @throws {MeshError} ERR_UNAUTHENTICATED where there is no such clock.
 */
export function ticksSinceBoot(): number {
  const time = new BigInt64Array(2);
  if (clockGetTime(CLOCK_BOOTTIME, time) !== 0) {
    throw new MeshError('ERR_UNAUTHENTICATED', 'the kernel has no clock of the time since boot');
  }
  const [seconds = 0n, nanoseconds = 0n] = time;
  return Number(seconds * 100n + nanoseconds / NS_PER_TICK);
}
