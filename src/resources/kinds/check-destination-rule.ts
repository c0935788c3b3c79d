import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkClientTls } from './check-client-tls.ts';
import { checkExportTo } from './export-to.ts';
import { hostOrAddressProblem } from './host-name.ts';
import { checkSelector, type WorkloadSelector, warnOfSelector } from './selector.ts';
import { doubtfulSuites } from './tls-words.ts';
import type { TrafficPolicy } from './traffic-policy-schema.ts';

interface Rule {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly host: string;
    readonly trafficPolicy?: TrafficPolicy;
    readonly subsets?: readonly {
      readonly name: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly trafficPolicy?: TrafficPolicy;
    }[];
    readonly exportTo?: readonly string[];
    readonly workloadSelector?: WorkloadSelector;
  };
}

/** Reports what Istio refuses of a DestinationRule beyond its schema. */
export function checkDestinationRule({ metadata, spec }: Rule, report: Report): void {
  const { host, exportTo, subsets = [], workloadSelector } = spec;
  const { namespace } = metadata;
  const problem = hostOrAddressProblem(host);
  if (problem !== undefined) report('spec.host', problem);
  checkExportTo({ exportTo, namespace, mayBeNobody: false }, report);
  checkSelector(workloadSelector, 'spec.workloadSelector', report);
  const elsewhere = exportTo?.some((target) => target !== '.' && target !== namespace) ?? false;
  if (workloadSelector !== undefined && elsewhere) {
    report(
      'spec.exportTo',
      'a rule with a workloadSelector cannot be exported beyond its own namespace',
    );
  }
  checkPolicy(spec.trafficPolicy, 'spec.trafficPolicy', metadata, report);
  const names = new Set<string>();
  for (const [index, subset] of subsets.entries()) {
    const field = fieldOf(['subsets', index], 'spec');
    const wrong = nameProblem(subset.name, 'label');
    if (wrong !== undefined) report(`${field}.name`, wrong);
    if (names.has(subset.name)) {
      report(`${field}.name`, `the subset ${quote(subset.name)} is there already`);
    }
    names.add(subset.name);
    checkLabels(subset.labels, `${field}.labels`, report);
    checkPolicy(subset.trafficPolicy, `${field}.trafficPolicy`, metadata, report);
  }
}

/** Reports what of a DestinationRule is allowed and hardly meant. */
export function warnOfDestinationRule({ spec }: Rule, report: Report): void {
  warnOfSelector(spec.workloadSelector, 'spec.workloadSelector', report);
  const policies: [string, TrafficPolicy | undefined][] = [
    ['spec.trafficPolicy', spec.trafficPolicy],
    ...(spec.subsets ?? []).map((subset, index): [string, TrafficPolicy | undefined] => [
      fieldOf(['subsets', index, 'trafficPolicy'], 'spec'),
      subset.trafficPolicy,
    ]),
  ];
  for (const [field, policy] of policies) {
    const ports = policy?.portLevelSettings ?? [];
    warnOfSuites(policy?.tls?.cipherSuites, `${field}.tls.cipherSuites`, report);
    for (const [index, { tls }] of ports.entries()) {
      const at = `${fieldOf(['portLevelSettings', index], field)}.tls.cipherSuites`;
      warnOfSuites(tls?.cipherSuites, at, report);
    }
  }
}

function warnOfSuites(suites: readonly string[] | undefined, field: string, report: Report): void {
  const { unknown, repeated } = doubtfulSuites(suites ?? []);
  if (unknown.length > 0) report(field, `ignoring unknown cipher suites: ${unknown.join(', ')}`);
  if (repeated.length > 0) report(field, `cipher suites given twice: ${repeated.join(', ')}`);
}

function checkPolicy(
  policy: TrafficPolicy | undefined,
  field: string,
  { namespace = '' }: ObjectMeta,
  report: Report,
): void {
  if (policy === undefined) return;
  if (Object.keys(policy).length === 0) report(field, 'must have at least one field');
  if (policy.tunnel !== undefined && policy.proxyProtocol !== undefined) {
    report(field, 'tunnel and proxyProtocol cannot be set together');
  }
  checkClientTls(policy.tls, { field: `${field}.tls`, namespace }, report);
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const at = fieldOf(['portLevelSettings', index], field);
    const { port, ...rest } = settings;
    if (port?.number === undefined || port.number < 1 || port.number > 65535) {
      report(`${at}.port`, 'must have a number between 1 and 65535');
    }
    if (Object.keys(rest).length === 0) report(at, 'must have at least one field beside the port');
    checkClientTls(settings.tls, { field: `${at}.tls`, namespace }, report);
  }
}
