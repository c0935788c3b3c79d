import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function telemetry(spec: string): string {
  return `{apiVersion: telemetry.istio.io/v1alpha1, kind: Telemetry, metadata: {name: a}, spec: ${spec}}`;
}
const tag = (override: string) => `{metrics: [{overrides: [{tagOverrides: {x: ${override}}}]}]}`;

it.each([
  '{}',
  tag('{value: "a.b"}'),
  tag('{operation: REMOVE}'),
  '{accessLogging: [{providers: [{name: envoy}], disabled: null}]}',
  '{tracing: [{randomSamplingPercentage: 1.5, customTags: {a: {literal: {value: b}}}}]}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(telemetry(spec))).toEqual([]);
});

it.each([
  [tag('{}'), 'spec.metrics[0].overrides[0].tagOverrides.x.value: is required with UPSERT'],
  [
    tag('{operation: REMOVE, value: x}'),
    'spec.metrics[0].overrides[0].tagOverrides.x.value: must not be set with REMOVE',
  ],
  [
    '{metrics: [{overrides: [{match: {metric: REQUEST_COUNT, customMetric: x}}]}]}',
    'spec.metrics[0].overrides[0].match: only one of "metric", "customMetric" can be set',
  ],
  [
    '{tracing: [{randomSamplingPercentage: 101}]}',
    'spec.tracing[0].randomSamplingPercentage: must be between 0 and 100, not 101',
  ],
  [
    '{selector: {}, targetRef: {kind: Service, name: a}}',
    'spec: only one of selector, targetRef and targetRefs can be set',
  ],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(telemetry(spec))).toEqual([problem]);
});
