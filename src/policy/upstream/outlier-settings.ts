import { parseGoDuration } from '../../resources/go-duration.ts';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';

/** When an endpoint that fails is left out, and for how long. */
export interface OutlierSettings {
  /** Failures to connect in a row after which it is left out. */
  readonly consecutiveFailures: number;
  /** How long the first time, in milliseconds; times how often it was. */
  readonly baseEjectionMs: number;
  /** Share of the endpoints that may be left out, 0 to 100; one always may. */
  readonly maxEjectionPercent: number;
  /** Share of healthy endpoints below which none is left out, 0 to 100. */
  readonly minHealthPercent: number;
}

const DEFAULT_FAILURES = 5;
const DEFAULT_EJECTION_MS = 30_000;
const DEFAULT_MAX_PERCENT = 10;

/**
 * A rule's `outlierDetection` for connections: who cannot be connected to counts as one that answers
 * with an error, unless the rule counts the two apart. Undefined where nothing is counted.
 */
export function outlierSettings(
  detection: TrafficPolicy['outlierDetection'],
): OutlierSettings | undefined {
  if (detection === undefined) return undefined;
  const consecutiveFailures = thresholdOf(detection);
  if (consecutiveFailures === undefined) return undefined;
  const ejection = parseGoDuration(detection.baseEjectionTime ?? '');
  return {
    consecutiveFailures,
    baseEjectionMs: ejection === undefined || ejection <= 0 ? DEFAULT_EJECTION_MS : ejection,
    maxEjectionPercent: percent(detection.maxEjectionPercent, DEFAULT_MAX_PERCENT),
    minHealthPercent: percent(detection.minHealthPercent, 0),
  };
}

function thresholdOf(
  detection: NonNullable<TrafficPolicy['outlierDetection']>,
): number | undefined {
  const { splitExternalLocalOriginErrors, consecutiveLocalOriginFailures } = detection;
  if (splitExternalLocalOriginErrors === true) {
    return positive(consecutiveLocalOriginFailures ?? DEFAULT_FAILURES);
  }
  const { consecutive5xxErrors, consecutiveErrors, consecutiveGatewayErrors } = detection;
  const thresholds = [
    positive(consecutive5xxErrors ?? consecutiveErrors ?? DEFAULT_FAILURES),
    positive(consecutiveGatewayErrors ?? 0),
  ].filter((threshold) => threshold !== undefined);
  return thresholds.length === 0 ? undefined : Math.min(...thresholds);
}

/** Zero switches a counter off. */
function positive(threshold: number): number | undefined {
  return threshold > 0 ? threshold : undefined;
}

function percent(given: number | undefined, otherwise: number): number {
  return Math.min(100, Math.max(0, given ?? otherwise));
}
