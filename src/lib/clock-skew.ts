import { formatDuration } from './duration.ts';

/** How far this host's clock is from the control plane's. */
export interface ClockSkew {
  /** This host's minus the control plane's, in milliseconds: positive when this one is ahead. */
  readonly skewMs: number;
  /** The true value lies within so much on either side: half of the round trip. */
  readonly uncertaintyMs: number;
  /** By this host's clock, in milliseconds since 1970. */
  readonly measuredAtMs: number;
}

/** Certificates are dated back by two minutes; less than this cannot be why one is refused. */
const WORTH_TELLING_MS = 5_000;

/** Whether the clocks certainly differ by more than certificates allow for. */
export function isSkewed({ skewMs, uncertaintyMs }: ClockSkew): boolean {
  return Math.abs(skewMs) - uncertaintyMs > WORTH_TELLING_MS;
}

/**
 * Half a sentence with both clocks, for an error about the validity of a certificate; undefined when
 * the clocks agree, or nothing is known.
 */
export function clockNote(skew: ClockSkew | undefined, nowMs: number): string | undefined {
  if (skew === undefined || !isSkewed(skew)) return undefined;
  const side = skew.skewMs > 0 ? 'ahead of' : 'behind';
  const there = new Date(nowMs - skew.skewMs).toISOString();
  return `this host's clock is ${formatDuration(Math.abs(skew.skewMs))} ${side} the control plane's, which says ${there}; set the clock of one of them`;
}
