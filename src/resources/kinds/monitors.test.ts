import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';

function monitor(kind: string, spec: string): string {
  return `{apiVersion: monitoring.coreos.com/v1, kind: ${kind}, metadata: {name: a}, spec: ${spec}}`;
}

it('takes a ServiceMonitor, and says what a relabeling does where nobody did', () => {
  const yaml = monitor(
    'ServiceMonitor',
    '{selector: {matchLabels: {app: a}}, endpoints: [{port: http, interval: 30s, targetPort: 80, metricRelabelings: [{sourceLabels: [__name__], regex: "a.*"}]}]}',
  );
  expect(problemsOf(yaml)).toEqual([]);
  expect(resourceOf(yaml)).toMatchObject({
    spec: { endpoints: [{ metricRelabelings: [{ action: 'replace' }] }] },
  });
});

it('takes a PodMonitor', () => {
  const spec =
    '{selector: {matchExpressions: [{key: app, operator: Exists}]}, podMetricsEndpoints: [{portNumber: 9090}]}';
  expect(problemsOf(monitor('PodMonitor', spec))).toEqual([]);
});

it.each([
  ['{endpoints: []}', 'spec.selector: is required'],
  [
    '{selector: {}, endpoints: [{interval: 1.5s}]}',
    'spec.endpoints[0].interval: "1.5s" is not a duration of Prometheus; write for example "30s" or "5m"',
  ],
  [
    '{selector: {}, endpoints: [{proxyUrl: "ftp://a"}]}',
    'spec.endpoints[0].proxyUrl: "ftp://a" must be a URL beginning with http:// or https:// or socks5://',
  ],
  [
    '{selector: {}, endpoints: [], bodySizeLimit: big}',
    'spec.bodySizeLimit: "big" is not a size; write for example "64MB"',
  ],
  [
    '{selector: {matchExpressions: [{key: app, operator: In}]}, endpoints: []}',
    'spec.selector.matchExpressions[0].values: must not be empty with In',
  ],
  [
    '{selector: {matchExpressions: [{key: app, operator: Exists, values: [a]}]}, endpoints: []}',
    'spec.selector.matchExpressions[0].values: must be left out with Exists',
  ],
  [
    '{selector: {matchExpressions: [{key: app, operator: Like}]}, endpoints: []}',
    'spec.selector.matchExpressions[0].operator: "Like" is not one of In, NotIn, Exists, DoesNotExist',
  ],
])('refuses the ServiceMonitor %s', (spec, problem) => {
  expect(problemsOf(monitor('ServiceMonitor', spec))).toEqual([problem]);
});
