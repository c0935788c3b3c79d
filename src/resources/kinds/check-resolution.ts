import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { hostProblem } from './host-name.ts';
import type { ServiceEntrySpec } from './service-entry.ts';

/** Protocols in which the wanted host is said. */
const NAMED = ['HTTP', 'HTTP2', 'GRPC', 'TLS', 'HTTPS'];

/** Istio's rules for how the endpoints of a ServiceEntry are found. */
export function checkResolution(spec: ServiceEntrySpec, report: Report): void {
  const { resolution = 'NONE', endpoints = [], hosts, workloadSelector } = spec;
  switch (resolution) {
    case 'NONE':
      if (endpoints.length > 0) {
        report('spec.endpoints', 'cannot be set with the resolution NONE; use STATIC or DNS');
      }
      return;
    case 'STATIC':
      return;
    case 'DNS_ROUND_ROBIN':
      if (endpoints.length > 1) {
        report('spec.endpoints', 'must be at most one with the resolution DNS_ROUND_ROBIN');
      }
      checkDnsHosts(spec, report);
      return;
    case 'DNS':
      if (endpoints.length === 0 && workloadSelector === undefined) checkDnsHosts(spec, report);
      return;
    case 'DYNAMIC_DNS':
      checkDynamic({ ...spec, hosts }, report);
  }
}

function checkDnsHosts({ hosts, endpoints = [] }: ServiceEntrySpec, report: Report): void {
  if (endpoints.length > 0) return;
  for (const [index, host] of hosts.entries()) {
    if (hostProblem(host) !== undefined) {
      report(
        fieldOf(['hosts', index], 'spec'),
        `${quote(host)} cannot be looked up; with the resolution DNS and no endpoints a host is a full DNS name`,
      );
    }
  }
}

function checkDynamic(spec: ServiceEntrySpec, report: Report): void {
  const { addresses = [], endpoints = [], hosts, ports = [] } = spec;
  for (const [index, host] of hosts.entries()) {
    if (!host.startsWith('*')) {
      report(
        fieldOf(['hosts', index], 'spec'),
        `${quote(host)} must have a wildcard with the resolution DYNAMIC_DNS`,
      );
    }
  }
  if (addresses.length > 0) {
    report('spec.addresses', 'cannot be set with the resolution DYNAMIC_DNS');
  }
  if (endpoints.length > 0) {
    report('spec.endpoints', 'cannot be set with the resolution DYNAMIC_DNS');
  }
  for (const [index, { protocol = '' }] of ports.entries()) {
    if (!NAMED.includes(protocol.toUpperCase())) {
      report(
        `${fieldOf(['ports', index], 'spec')}.protocol`,
        'must be HTTP, HTTP2, GRPC or TLS with the resolution DYNAMIC_DNS',
      );
    }
  }
}
