import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function rules(...list: string[]): string {
  return `{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: a}, spec: {groups: [{name: g, partial_response_strategy: WARN, rules: [${list.join()}]}]}}`;
}

it.each([
  '{alert: A, expr: "up == 0", for: 5m, labels: {severity: critical}, annotations: {summary: x}}',
  '{record: "job:up:sum", expr: 1}',
])('takes the rule %s', (rule) => {
  expect(problemsOf(rules(rule))).toEqual([]);
});

it.each([
  ['{alert: A}', '.expr: is required'],
  ['{alert: A, record: b, expr: x}', ': exactly one of record and alert must be set'],
  ['{record: a-b, expr: x}', '.record: "a-b" is not the name of a metric'],
  ['{record: a, expr: x, for: 5m}', '.for: is for alerts only'],
  ['{alert: A, expr: ""}', '.expr: must not be empty'],
  ['{alert: A, expr: x, labels: {a-b: c}}', '.labels.a-b: "a-b" is not the name of a label'],
  [
    '{alert: A, expr: x, for: 5min}',
    '.for: "5min" is not a duration of Prometheus; write for example "30s" or "5m"',
  ],
])('refuses the rule %s', (rule, problem) => {
  expect(problemsOf(rules(rule))).toEqual([`spec.groups[0].rules[0]${problem}`]);
});

it('refuses two groups of one name', () => {
  const yaml =
    '{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: a}, spec: {groups: [{name: g}, {name: g}]}}';
  expect(problemsOf(yaml)).toEqual(['spec.groups[1].name: the group "g" is there already']);
});
