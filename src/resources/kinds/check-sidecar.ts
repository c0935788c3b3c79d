import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import { portTextProblem } from '../port-text.ts';
import { checkServerTls, warnOfServerTls } from './check-server-tls.ts';
import { hostOrAddressProblem } from './host-name.ts';
import { checkLabelSelector, warnOfLabelSelector } from './label-selector.ts';
import { isTls, protocolProblem } from './protocol.ts';
import type { SidecarSpec } from './sidecar.ts';

interface Sidecar {
  readonly spec: SidecarSpec;
}

type Ingress = NonNullable<SidecarSpec['ingress']>[number];
type Egress = NonNullable<SidecarSpec['egress']>[number];

const LOOPBACK = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|::1?|):([^:]+)$/;
const NAMESPACE_WORDS = ['*', '.', '~'];

/** Reports what Istio refuses of a Sidecar beyond its schema. */
export function checkSidecar({ spec }: Sidecar, report: Report): void {
  const { ingress = [], egress = [], outboundTrafficPolicy: outbound } = spec;
  checkLabelSelector(spec.workloadSelector, 'spec.workloadSelector', report);
  const { workloadSelector: _selector, ...rest } = spec;
  if (Object.keys(rest).length === 0) report('spec', 'must say something beside the selector');
  checkIngress(ingress, report);
  checkEgress(egress, report);
  if (outbound?.egressProxy === undefined) return;
  const field = 'spec.outboundTrafficPolicy.egressProxy';
  if (outbound.mode !== 'ALLOW_ANY') report(field, 'needs the mode ALLOW_ANY');
  const problem = hostOrAddressProblem(outbound.egressProxy.host);
  if (problem !== undefined) report(`${field}.host`, problem);
}

/** Reports what of a Sidecar is allowed and hardly meant. */
export function warnOfSidecar({ spec }: Sidecar, report: Report): void {
  warnOfLabelSelector(spec.workloadSelector, 'spec.workloadSelector', report);
  warnOfIdle(spec, report);
  for (const [index, { tls }] of (spec.ingress ?? []).entries()) {
    if (tls !== undefined) {
      warnOfServerTls(tls, `${fieldOf(['ingress', index], 'spec')}.tls`, report);
    }
  }
  for (const [index, { hosts }] of (spec.egress ?? []).entries()) {
    const field = `${fieldOf(['egress', index], 'spec')}.hosts`;
    if (new Set(hosts).size < hosts.length) report(field, 'has a host twice');
    if (hosts.includes('*/*') && hosts.length > 1) {
      report(field, '"*/*" has everything in it; the other hosts change nothing');
    }
  }
}

const INGRESS =
  'counts by number and protocol of its ports alone: where the sidecar listens and whom it passes connections to is said when it is started, and tls and connectionPool have no effect yet';

/** What nothing in the mesh acts on yet. */
function warnOfIdle(
  { ingress, inboundConnectionPool, ...spec }: SidecarSpec,
  report: Report,
): void {
  const idle = 'has no effect: nothing in the mesh acts on it yet';
  if ((ingress ?? []).length > 0) report('spec.ingress', INGRESS);
  if (inboundConnectionPool !== undefined) report('spec.inboundConnectionPool', idle);
  if (spec.outboundTrafficPolicy?.egressProxy !== undefined) {
    report('spec.outboundTrafficPolicy.egressProxy', idle);
  }
  for (const [index, { port, bind, captureMode }] of (spec.egress ?? []).entries()) {
    if (port === undefined && bind === undefined && captureMode === undefined) continue;
    const field = fieldOf(['egress', index], 'spec');
    report(field, 'counts by its hosts alone: port, bind and captureMode have no effect yet');
  }
}

function checkIngress(ingress: readonly Ingress[], report: Report): void {
  const seen = new Set<number>();
  for (const [index, listener] of ingress.entries()) {
    const field = fieldOf(['ingress', index], 'spec');
    const { port, defaultEndpoint = '', bind = '', tls } = listener;
    if (port === undefined) report(`${field}.port`, 'is required');
    else checkPort(port, { field: `${field}.port`, seen }, report);
    if (bind !== '' && !isIpAddress(bind)) {
      report(`${field}.bind`, `${quote(bind)} is not an IP address`);
    }
    const problem = endpointProblem(defaultEndpoint);
    if (problem !== undefined) report(`${field}.defaultEndpoint`, problem);
    if (tls === undefined) continue;
    checkIngressTls({ tls, protocol: port?.protocol ?? '' }, `${field}.tls`, report);
  }
}

function checkIngressTls(
  { tls, protocol }: { readonly tls: NonNullable<Ingress['tls']>; readonly protocol: string },
  field: string,
  report: Report,
): void {
  if (!isTls(protocol)) report(field, 'needs a port whose protocol is HTTPS or TLS');
  const { mode = 'PASSTHROUGH', subjectAltNames = [] } = tls;
  if (mode === 'ISTIO_MUTUAL' || mode === 'AUTO_PASSTHROUGH') {
    report(`${field}.mode`, `${mode} is not supported on the ingress of a sidecar`);
    return;
  }
  if (subjectAltNames.length > 0) report(`${field}.subjectAltNames`, 'is not supported here');
  if (tls.httpsRedirect === true) report(`${field}.httpsRedirect`, 'is not supported here');
  for (const name of ['credentialName', 'credentialNames', 'tlsCertificates'] as const) {
    if (tls[name] !== undefined && tls[name].length > 0) {
      report(`${field}.${name}`, 'is not supported here; use serverCertificate and privateKey');
    }
  }
  checkServerTls(tls, field, report);
}

function checkEgress(egress: readonly Egress[], report: Report): void {
  const seen = new Set<number>();
  for (const [index, { port, hosts, bind = '' }] of egress.entries()) {
    const field = fieldOf(['egress', index], 'spec');
    if (port !== undefined) checkPort(port, { field: `${field}.port`, seen }, report);
    else if (bind !== '') report(`${field}.port`, 'is required where bind is set');
    if (port === undefined && index < egress.length - 1) {
      report(field, 'the one without a port takes all the rest and must be the last');
    }
    if (hosts.length === 0) report(`${field}.hosts`, 'must have at least one host');
    for (const [number, host] of hosts.entries()) {
      const problem = importProblem(host);
      if (problem !== undefined) report(fieldOf(['hosts', number], field), problem);
    }
  }
}

function checkPort(
  port: NonNullable<Egress['port']>,
  { field, seen }: { readonly field: string; readonly seen: Set<number> },
  report: Report,
): void {
  const { number = 0, protocol = '', targetPort = 0 } = port;
  if (number < 1 || number > 65535) report(`${field}.number`, 'must be between 1 and 65535');
  if (seen.has(number)) report(`${field}.number`, `the port ${number} is there already`);
  seen.add(number);
  if (targetPort !== 0) report(`${field}.targetPort`, 'is not supported on a sidecar');
  const problem = protocol === '' ? undefined : protocolProblem(protocol);
  if (problem !== undefined) report(`${field}.protocol`, problem);
}

function endpointProblem(endpoint: string): string | undefined {
  if (endpoint === '') return undefined;
  if (endpoint.startsWith('unix://')) {
    return /^unix:\/\/[/@].*[^/]$/.test(endpoint)
      ? undefined
      : `${quote(endpoint)} is not an absolute path of a Unix socket`;
  }
  const [, portText = ''] = LOOPBACK.exec(endpoint) ?? [];
  if (portText === '') {
    return `${quote(endpoint)} must be 127.0.0.1, 0.0.0.0, [::1] or [::] with a port, or a Unix socket`;
  }
  return portTextProblem(portText);
}

function importProblem(text: string): string | undefined {
  const [namespace = '', host, ...more] = text.split('/');
  if (host === undefined || more.length > 0) {
    return `${quote(text)} is not of the form <namespace>/<host>, such as "./*"`;
  }
  if (!NAMESPACE_WORDS.includes(namespace)) {
    const problem = nameProblem(namespace, 'label');
    if (problem !== undefined) return `${quote(text)}: ${problem}`;
  }
  return hostOrAddressProblem(host);
}
