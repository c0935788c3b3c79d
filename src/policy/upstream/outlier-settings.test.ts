import { expect, it } from 'vitest';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import { type OutlierSettings, outlierSettings } from './outlier-settings.ts';

const defaults: OutlierSettings = {
  ...{ consecutiveFailures: 5, baseEjectionMs: 30_000 },
  ...{ maxEjectionPercent: 10, minHealthPercent: 0 },
};

it.each<[TrafficPolicy['outlierDetection'], Partial<OutlierSettings> | undefined]>([
  [undefined, undefined],
  [{}, {}],
  [{ consecutive5xxErrors: 3 }, { consecutiveFailures: 3 }],
  [{ consecutive5xxErrors: 0 }, undefined],
  [{ consecutiveErrors: 2 }, { consecutiveFailures: 2 }],
  [{ consecutive5xxErrors: 7, consecutiveErrors: 2 }, { consecutiveFailures: 7 }],
  [{ consecutiveGatewayErrors: 2 }, { consecutiveFailures: 2 }],
  [{ consecutiveGatewayErrors: 9 }, { consecutiveFailures: 5 }],
  [{ consecutive5xxErrors: 0, consecutiveGatewayErrors: 9 }, { consecutiveFailures: 9 }],
  [{ splitExternalLocalOriginErrors: true, consecutive5xxErrors: 1 }, { consecutiveFailures: 5 }],
  [
    { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 1 },
    { consecutiveFailures: 1 },
  ],
  [{ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 0 }, undefined],
  [{ baseEjectionTime: '3m' }, { baseEjectionMs: 180_000 }],
  [{ baseEjectionTime: '0s' }, {}],
  [
    { maxEjectionPercent: 100, minHealthPercent: 50 },
    { maxEjectionPercent: 100, minHealthPercent: 50 },
  ],
  [{ maxEjectionPercent: 400, minHealthPercent: -1 }, { maxEjectionPercent: 100 }],
])('reads %j', (detection, expected) => {
  expect(outlierSettings(detection)).toEqual(expected && { ...defaults, ...expected });
});
