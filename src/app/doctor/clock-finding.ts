import { formatDuration } from '../../lib/duration.ts';
import { type Finding, ok } from './finding.ts';

const WARN_MS = 5_000;
/** Certificates are dated back by two minutes; beyond that fresh ones are refused. */
const PROBLEM_MS = 110_000;

/** How far the clock of `whose` is from the control plane's. */
export function clockFinding(whose: string, skewMs: number): Finding {
  const distance = formatDuration(Math.abs(skewMs));
  const evidence = `${distance} ${skewMs < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(skewMs) <= WARN_MS) {
    return ok('clock-skew', `the clock of ${whose} agrees with the control plane's`, evidence);
  }
  return {
    check: 'clock-skew',
    level: Math.abs(skewMs) > PROBLEM_MS ? 'problem' : 'warning',
    what: `the clock of ${whose} is not the control plane's`,
    evidence,
    action: 'set the clock of one of the two hosts; run a time daemon (chrony, systemd-timesyncd)',
  };
}
