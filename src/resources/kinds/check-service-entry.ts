import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress, isIpBlock } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { checkResolution } from './check-resolution.ts';
import { checkExportTo } from './export-to.ts';
import { isPartialWildcard, wildcardHostProblem } from './host-name.ts';
import { checkLabelSelector, warnOfLabelSelector } from './label-selector.ts';
import { isPlainHttp, isTls, protocolProblem } from './protocol.ts';
import type { ServiceEntrySpec } from './service-entry.ts';

interface ServiceEntry {
  readonly metadata: ObjectMeta;
  readonly spec: ServiceEntrySpec;
}

/** Reports what Istio refuses of a ServiceEntry beyond its schema. */
export function checkServiceEntry({ metadata, spec }: ServiceEntry, report: Report): void {
  const { exportTo, workloadSelector, endpoints } = spec;
  checkHosts(spec, report);
  checkExportTo({ exportTo, namespace: metadata.namespace, mayBeNobody: true }, report);
  checkLabelSelector(workloadSelector, 'spec.workloadSelector', report);
  if (workloadSelector !== undefined && endpoints !== undefined) {
    report('spec', 'only one of workloadSelector and endpoints can be set');
  }
  checkAddresses(spec, report);
  checkPorts(spec, report);
  checkResolution(spec, report);
  checkEndpoints(spec, report);
}

/** Reports what of a ServiceEntry is allowed and hardly meant. */
export function warnOfServiceEntry({ spec }: ServiceEntry, report: Report): void {
  const { hosts, addresses = [], ports = [], resolution = 'NONE', workloadSelector } = spec;
  warnOfLabelSelector(workloadSelector, 'spec.workloadSelector', report);
  for (const [index, host] of hosts.entries()) {
    if (isPartialWildcard(host) && resolution !== 'DYNAMIC_DNS') {
      report(
        fieldOf(['hosts', index], 'spec'),
        `${quote(host)} has a partial wildcard, which matches the text and not DNS labels`,
      );
    }
  }
  if (resolution === 'NONE' && workloadSelector !== undefined) {
    report('spec.workloadSelector', 'is not used with the resolution NONE');
  }
  const opaque = ports.some(({ protocol = '' }) => ['', 'TCP'].includes(protocol.toUpperCase()));
  if (opaque && addresses.length === 0) {
    report('spec.addresses', 'are required for ports serving TCP (or unset) protocol');
  }
}

function checkHosts({ hosts }: ServiceEntrySpec, report: Report): void {
  for (const [index, host] of hosts.entries()) {
    const problem = host === '*' ? 'a service cannot be "*"' : wildcardHostProblem(host);
    if (problem !== undefined) report(fieldOf(['hosts', index], 'spec'), problem);
  }
}

function checkAddresses({ addresses = [], resolution = 'NONE' }: ServiceEntrySpec, report: Report) {
  for (const [index, address] of addresses.entries()) {
    const field = fieldOf(['addresses', index], 'spec');
    if (!isIpBlock(address)) report(field, `${quote(address)} is not an IP address or CIDR range`);
    else if (address.includes('/') && !['NONE', 'STATIC'].includes(resolution)) {
      report(
        field,
        `a range is allowed only with the resolutions NONE and STATIC, not ${resolution}`,
      );
    }
  }
}

function checkPorts({ ports = [], hosts, resolution = 'NONE' }: ServiceEntrySpec, report: Report) {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, { name, number, protocol = '' }] of ports.entries()) {
    const field = fieldOf(['ports', index], 'spec');
    const wrong = nameProblem(name, 'label');
    if (wrong !== undefined) report(`${field}.name`, wrong);
    else if (names.has(name)) report(`${field}.name`, `the name ${quote(name)} is there already`);
    if (numbers.has(number)) report(`${field}.number`, `the port ${number} is there already`);
    names.add(name);
    numbers.add(number);
    const problem = protocol === '' ? undefined : protocolProblem(protocol);
    if (problem !== undefined) report(`${field}.protocol`, problem);
    const told = isPlainHttp(protocol) || isTls(protocol);
    if (hosts.length > 1 && !told && resolution !== 'NONE') {
      report(
        `${field}.protocol`,
        'several hosts can be told apart on HTTP and TLS ports only; give the entry one host',
      );
    }
  }
}

function checkEndpoints(spec: ServiceEntrySpec, report: Report): void {
  const names = new Set((spec.ports ?? []).map(({ name }) => name));
  for (const [index, endpoint] of (spec.endpoints ?? []).entries()) {
    const field = fieldOf(['endpoints', index], 'spec');
    checkEndpoint(endpoint, { field }, report);
    const { address = '' } = endpoint;
    if (spec.resolution === 'STATIC' && !address.startsWith('unix://') && !isIpAddress(address)) {
      report(
        `${field}.address`,
        `${quote(address)} must be an IP address or a Unix socket with the resolution STATIC`,
      );
    }
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!names.has(name)) {
        report(fieldOf(['ports', name], field), `${quote(name)} is not a port of the service`);
      }
    }
  }
}
