import { type Static, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { list, text, textMap } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { mapList } from '../schema-annotations.ts';
import { ageColumn } from './columns.ts';
import { prometheusDuration } from './prometheus-fields.ts';

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const rule = lazy(() =>
  closed(
    {
      record: text('Name of the time series that the values become.'),
      alert: text('Name of the alert that is raised while there are values.'),
      expr: Type.Unsafe<number | string>({
        type: ['integer', 'string'],
        'x-kubernetes-int-or-string': true,
        description: 'Expression of PromQL.',
      }),
      for: prometheusDuration('How long it must hold before the alert fires.'),
      keep_firing_for: prometheusDuration('How long the alert goes on after it.'),
      labels: textMap('Labels that it gets.'),
      annotations: textMap('What people are told, for an alert.'),
    },
    'One alert, or one time series that is recorded.',
  ),
);

const schema = lazy(() =>
  Type.Object(
    {
      spec: closedOrEmpty(
        {
          groups: list(
            closed(
              {
                name: Type.String({ minLength: 1, description: 'Name of the group.' }),
                labels: textMap('Labels that every rule of it gets.'),
                interval: prometheusDuration('How often it is evaluated.'),
                query_offset: prometheusDuration('How far back in time it is evaluated.'),
                rules: list(rule(), 'The rules.'),
                partial_response_strategy: text('abort or warn; for Thanos.', {
                  'x-hauberk-check': (value: string) =>
                    /^(?:abort|warn)?$/i.test(value) ? undefined : 'must be abort or warn',
                }),
                limit: Type.Optional(
                  Type.Integer({ description: 'Most alerts or series of a rule; 0 is no bound.' }),
                ),
              },
              'Rules that are evaluated one after the other.',
            ),
            'Groups of rules.',
            { ...mapList('name') },
          ),
        },
        'Alerts, and time series that are computed from others.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

type Rule = Immutable<Static<ReturnType<typeof rule>>>;
type PrometheusRule = ResourceOf<'PrometheusRule', ReturnType<typeof schema>>;

/** The Prometheus operator's PrometheusRule. */
export const prometheusRule: KindDefinition<PrometheusRule> = {
  group: 'monitoring.coreos.com',
  versions: ['v1'],
  kind: 'PrometheusRule',
  plural: 'prometheusrules',
  singular: 'prometheusrule',
  shortNames: ['promrule'],
  categories: ['prometheus-operator'],
  namespaced: true,
  description: 'Alerts for Prometheus, and time series that it computes from others.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkPrometheusRule,
  subresources: { status: true },
  visibility: 'never',
  inert: true,
  confidential: false,
};

function checkPrometheusRule({ spec }: PrometheusRule, report: Report): void {
  const names = new Set<string>();
  for (const [index, { name, rules = [] }] of (spec.groups ?? []).entries()) {
    const field = fieldOf(['groups', index], 'spec');
    if (names.has(name)) report(`${field}.name`, `the group ${quote(name)} is there already`);
    names.add(name);
    for (const [number, one] of rules.entries()) {
      checkRule(one, fieldOf(['rules', number], field), report);
    }
  }
}

function checkRule(one: Rule, field: string, report: Report): void {
  const { record = '', alert = '', expr, labels, annotations } = one;
  if ((record === '') === (alert === '')) {
    report(field, 'exactly one of record and alert must be set');
  }
  if (expr === '') report(`${field}.expr`, 'must not be empty');
  if (record !== '') checkRecord(one, field, report);
  for (const [map, part] of [
    [labels, 'labels'],
    [annotations, 'annotations'],
  ] as const) {
    const bad = Object.keys(map ?? {}).find((key) => !LABEL.test(key) || key === '__name__');
    if (bad !== undefined) {
      report(fieldOf([part, bad], field), `${quote(bad)} is not the name of a label`);
    }
  }
}

function checkRecord({ record = '', annotations, ...rest }: Rule, field: string, report: Report) {
  if (!METRIC.test(record)) {
    report(`${field}.record`, `${quote(record)} is not the name of a metric`);
  }
  if (annotations !== undefined) report(`${field}.annotations`, 'is for alerts only');
  if (rest.for !== undefined) report(`${field}.for`, 'is for alerts only');
}
