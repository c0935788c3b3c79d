import { formatDuration } from '../../lib/duration.ts';
import { type Finding, ok } from './finding.ts';

export interface Expiring {
  /** `root certificate`, `certificate of "spiffe://…"`. */
  readonly what: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly nowMs: number;
  /** Nearer to its end than this is a problem, in milliseconds. */
  readonly withinMs: number;
  readonly action: string;
}

/** Whether a certificate is valid, and for long enough. */
export function expiryFinding(check: string, certificate: Expiring): Finding {
  const { what, serial, notBeforeMs, notAfterMs, nowMs, withinMs, action } = certificate;
  const time = (ms: number): string => new Date(ms).toISOString();
  const evidence = `serial ${serial}, valid from ${time(notBeforeMs)} to ${time(notAfterMs)}, it is ${time(nowMs)}`;
  const problem = (text: string): Finding => ({
    ...{ check, level: 'problem', what: `${what} ${text}`, evidence, action },
  });
  if (nowMs < notBeforeMs) {
    return problem(`is not valid for another ${formatDuration(notBeforeMs - nowMs)}`);
  }
  if (nowMs >= notAfterMs) return problem(`expired ${formatDuration(nowMs - notAfterMs)} ago`);
  const restMs = notAfterMs - nowMs;
  if (restMs < withinMs) return problem(`runs out in ${formatDuration(restMs)}`);
  return ok(check, `${what} is good for ${formatDuration(restMs)}`, evidence);
}
