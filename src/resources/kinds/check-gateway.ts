import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';
import { checkServerTls, warnOfServerTls } from './check-server-tls.ts';
import type { Gateway, GatewayServer } from './gateway.ts';
import { hostOrAddressProblem, isPartialWildcard } from './host-name.ts';
import { isPlainHttp, isTls, protocolProblem } from './protocol.ts';

/** Reports what Istio refuses of a Gateway beyond its schema. */
export function checkGateway({ spec }: Gateway, report: Report): void {
  const { servers = [], selector } = spec;
  checkLabels(selector, 'spec.selector', report);
  if (servers.length === 0) report('spec.servers', 'must have at least one server');
  const names = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const field = fieldOf(['servers', index], 'spec');
    checkPort(server, field, report);
    checkHosts(server.hosts, field, report);
    checkTls(server, field, report);
    if (server.port.name !== '' && names.has(server.port.name)) {
      report(`${field}.port.name`, `the port name ${quote(server.port.name)} is there already`);
    }
    names.add(server.port.name);
  }
}

/** Reports what of a Gateway is allowed and hardly meant. */
export function warnOfGateway({ spec }: Gateway, report: Report): void {
  for (const [index, { port, tls }] of (spec.servers ?? []).entries()) {
    if (tls === undefined) continue;
    const field = `${fieldOf(['servers', index], 'spec')}.tls`;
    if (tls.httpsRedirect === true && !isPlainHttp(port.protocol)) {
      report(`${field}.httpsRedirect`, 'has no effect on a server that does not speak plain HTTP');
    }
    if (isTls(port.protocol)) warnOfServerTls(tls, field, report);
  }
}

function checkPort({ port, bind = '' }: GatewayServer, field: string, report: Report): void {
  const { name, number, protocol, targetPort = 0 } = port;
  const unix = bind.startsWith('unix://');
  if (name === '') report(`${field}.port.name`, 'must not be empty');
  const problem = protocolProblem(protocol);
  if (problem !== undefined) report(`${field}.port.protocol`, problem);
  if (targetPort !== 0) report(`${field}.port.targetPort`, 'is not supported on a gateway');
  if (unix && number !== 0) {
    report(`${field}.port.number`, 'must be 0 where the server is on a Unix socket');
  }
  if (!unix && (number < 1 || number > 65535)) {
    report(`${field}.port.number`, `must be between 1 and 65535, not ${number}`);
  }
  if (bind !== '' && !unix && !isIpAddress(bind)) {
    report(`${field}.bind`, `${quote(bind)} is not an IP address or a unix:// path`);
  }
}

function checkHosts(hosts: readonly string[], field: string, report: Report): void {
  if (hosts.length === 0) report(`${field}.hosts`, 'must have at least one host');
  for (const [index, host] of hosts.entries()) {
    const problem = gatewayHostProblem(host);
    if (problem !== undefined) report(fieldOf(['hosts', index], field), problem);
  }
}

function gatewayHostProblem(text: string): string | undefined {
  const slash = text.indexOf('/');
  const namespace = slash < 0 ? '*' : text.slice(0, slash);
  const host = text.slice(slash + 1);
  if (namespace !== '*' && namespace !== '.') {
    const problem = nameProblem(namespace, 'label');
    if (problem !== undefined) return `${quote(text)}: ${problem}`;
  }
  if (host === '*') return undefined;
  if (isPartialWildcard(host)) {
    return `${quote(text)} has a partial wildcard; use "*" for any host or "*.example.com"`;
  }
  const problem = hostOrAddressProblem(host);
  if (problem !== undefined) return problem;
  return host.includes('.') || host.includes(':')
    ? undefined
    : `${quote(text)} is a short name; write the full one, such as "api.example.com"`;
}

function checkTls({ port, tls }: GatewayServer, field: string, report: Report): void {
  const { protocol } = port;
  if (tls === undefined) {
    if (isTls(protocol)) report(`${field}.tls`, `is required with the protocol ${protocol}`);
    return;
  }
  if (isTls(protocol)) checkServerTls(tls, `${field}.tls`, report);
  else if (!isPlainHttp(protocol)) {
    report(`${field}.tls`, `cannot be set with the protocol ${protocol}; use TLS or HTTPS`);
  } else if (Object.keys(tls).some((name) => name !== 'httpsRedirect')) {
    report(
      `${field}.tls`,
      `cannot be set with the plain text protocol ${protocol}, other than httpsRedirect; use HTTPS`,
    );
  }
}
