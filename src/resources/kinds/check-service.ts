import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress, isIpBlock } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';
import type { ServiceSpec } from './service-schema.ts';

type ServicePort = NonNullable<ServiceSpec['ports']>[number];

/** IANA's service names, which container ports have. */
const PORT_NAME = /^(?=[a-z0-9-]*[a-z])[a-z0-9](?:-?[a-z0-9])*$/;
const LONGEST_PORT_NAME = 15;

/** Reports what Kubernetes refuses of a Service beyond its schema, as far as a mesh has use for it. */
export function checkService(spec: ServiceSpec, report: Report): void {
  checkPorts(spec, report);
  checkAddresses(spec, report);
  checkLabels(spec.selector, 'spec.selector', report);
  const { type, externalName = '' } = spec;
  if (type === 'ExternalName') {
    const problem = nameProblem(externalName.replace(/\.$/, ''), 'subdomain');
    if (problem !== undefined) report('spec.externalName', problem);
  }
}

function checkPorts({ type, clusterIP, ports = [] }: ServiceSpec, report: Report): void {
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') {
    report('spec.ports', 'is required; only a headless or ExternalName Service has no ports');
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = fieldOf(['ports', index], 'spec');
    checkPortName(port, field, ports.length, report);
    checkTargetPort(port, field, report);
    const number = `${port.port}/${port.protocol ?? 'TCP'}`;
    if (numbers.has(number)) report(`${field}.port`, `the port ${number} is there already`);
    numbers.add(number);
    if (port.name === undefined || port.name === '') continue;
    if (names.has(port.name))
      report(`${field}.name`, `the name ${quote(port.name)} is there already`);
    names.add(port.name);
  }
}

function checkPortName(port: ServicePort, field: string, count: number, report: Report): void {
  const { name = '' } = port;
  const problem = name === '' ? undefined : nameProblem(name, 'label');
  if (problem !== undefined) report(`${field}.name`, problem);
  if (name === '' && count > 1)
    report(`${field}.name`, 'is required where there is more than one port');
}

function checkTargetPort({ targetPort }: ServicePort, field: string, report: Report): void {
  if (typeof targetPort !== 'string') return;
  if (targetPort.length > LONGEST_PORT_NAME || !PORT_NAME.test(targetPort)) {
    report(
      `${field}.targetPort`,
      `${quote(targetPort)} is not the name of a port; use up to ${LONGEST_PORT_NAME} lower case letters, digits and "-" with a letter among them, or a number without quotes`,
    );
  }
}

function checkAddresses(spec: ServiceSpec, report: Report): void {
  const { clusterIP = '', clusterIPs = [], externalIPs = [] } = spec;
  for (const [name, addresses] of [
    ['clusterIPs', clusterIPs],
    ['externalIPs', externalIPs],
  ] as const) {
    for (const [index, address] of addresses.entries()) {
      const headless = name === 'clusterIPs' && address === 'None';
      if (!headless && !isIpAddress(address)) {
        report(fieldOf([name, index], 'spec'), `${quote(address)} is not an IP address`);
      }
    }
  }
  if (clusterIP !== '' && clusterIP !== 'None' && !isIpAddress(clusterIP)) {
    report('spec.clusterIP', `${quote(clusterIP)} is not an IP address or None`);
  }
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    if (!isIpBlock(range.trim()) || !range.includes('/')) {
      report(
        fieldOf(['loadBalancerSourceRanges', index], 'spec'),
        `${quote(range)} is not a CIDR range`,
      );
    }
  }
}
