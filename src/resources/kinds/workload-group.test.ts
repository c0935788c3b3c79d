import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function group(spec: string): string {
  return `{apiVersion: networking.istio.io/v1, kind: WorkloadGroup, metadata: {name: a}, spec: ${spec}}`;
}

it.each([
  '{template: {serviceAccount: web}}',
  '{metadata: {labels: {app: a}}, template: {ports: {http: 80}}, probe: {periodSeconds: 5, httpGet: {port: 80, path: /, scheme: HTTPS}}}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(group(spec))).toEqual([]);
});

it.each([
  ['{}', 'spec.template: is required'],
  [
    '{template: {}, probe: {httpGet: {port: 80}, tcpSocket: {port: 80}}}',
    'spec.probe: only one of "httpGet", "tcpSocket" can be set',
  ],
  [
    '{template: {}, probe: {httpGet: {port: 80, scheme: FTP}}}',
    'spec.probe.httpGet.scheme: must be HTTP or HTTPS',
  ],
  [
    '{template: {serviceAccount: a/b}}',
    'spec.template.serviceAccount: "a/b" is not a name here; use lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit',
  ],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(group(spec))).toEqual([problem]);
});
